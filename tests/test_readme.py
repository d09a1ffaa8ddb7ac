"""The READMEs: their commands exist, their links lead somewhere, and the first one opens as it should."""

import re
import runpy
import shlex
import sys
from pathlib import Path

import pytest

from dog_breed.command import build_parser

REPOSITORY = Path(__file__).parent.parent
PAGES = [
    path
    for pattern in ("*.md", "*/README.md")
    for path in sorted(REPOSITORY.glob(pattern))
    if not path.parent.name.startswith(".")
]
TEXTS = {str(path.relative_to(REPOSITORY)): path.read_text() for path in PAGES}
README = TEXTS["README.md"]


def commands() -> list[list[str]]:
    """Return the words of the project's own commands in the code of every page, without variables set before them."""
    found = []
    for text in TEXTS.values():
        code = re.findall(r"```sh\n(.*?)```", text, re.DOTALL) + re.findall(r"(?<!`)`([^`\n]+)`(?!`)", text)
        lines = [line for block in code for line in block.replace("\\\n", " ").splitlines()]
        found += [re.sub(r"^([A-Z_]+=\S+ )+", "", line) for line in lines]
    return [shlex.split(line, comments=True) for line in found if line.startswith((".venv/bin/", "make "))]


def commands_of(*program: str) -> list[list[str]]:
    """Return the arguments of each command that begins with `program`, once each."""
    found = {tuple(words[len(program) :]) for words in commands() if tuple(words[: len(program)]) == program}
    assert found, f"no page has a command {program}"
    return [list(arguments) for arguments in sorted(found)]


@pytest.mark.parametrize("arguments", commands_of(".venv/bin/dog-breed"), ids=" ".join)
def test_readme_verbs_are_accepted(arguments: list[str]) -> None:
    """Every verb and option shown exists."""
    build_parser().parse_args(arguments)


@pytest.mark.model
@pytest.mark.parametrize("module", sorted({arguments[0] for arguments in commands_of(".venv/bin/python", "-m")}))
def test_readme_modules_tell_their_use(
    module: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every module that is shown to be run can be imported, and `--help` says how to call it."""
    monkeypatch.setattr(sys, "argv", [module, "--help"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith("usage: ")


@pytest.mark.parametrize("target", sorted({arguments[0] for arguments in commands_of("make")}))
def test_readme_make_targets_exist(target: str) -> None:
    """Every target shown stands in the Makefile."""
    assert re.search(rf"^{target}:", (REPOSITORY / "Makefile").read_text(), re.MULTILINE)


@pytest.mark.parametrize("page", TEXTS)
def test_links_lead_to_files(page: str) -> None:
    """Every file that a page links to is there, and so is the heading, if the link names one."""
    folder = (REPOSITORY / page).parent
    for target, heading in re.findall(r"\]\(((?!https?:)[^)#\s]*)(?:#([^)\s]+))?\)", TEXTS[page]):
        path = folder / target if target else REPOSITORY / page
        assert path.exists(), target
        if heading:
            headings = re.findall(r"^#+ (.+)$", path.read_text(), re.MULTILINE)
            assert heading in {re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for one in headings}, heading


def test_contributing_names_files_that_are_there() -> None:
    """Every path in the table of additions is a file or a folder of the project."""
    paths = re.findall(r"`([a-z_]+(?:/[\w.]+)+/?)`", TEXTS["CONTRIBUTING.md"])
    assert len(paths) > 20
    assert [path for path in paths if not (REPOSITORY / path).exists()] == []


def test_readme_opens_with_sentence_commands_and_picture() -> None:
    """A newcomer reads what it is, what to type, and what it looks like, in this order, and the picture is there."""
    opening = re.match(
        r"# .+\n\n[A-Z][^\n]*(?:\n[^\n]+)*\n\n```sh\n(.*?)```\n\n!\[[^\]]+\]\(([^)]+)\)", README, re.DOTALL
    )
    assert opening
    assert [line.split("#")[0].strip() for line in opening[1].splitlines()] == ["make run", "make test"]
    assert (REPOSITORY / opening[2]).is_file()


def test_readme_is_short_and_has_few_figures() -> None:
    """The first page stays one that is read: about a hundred lines, and six figures at most."""
    assert len(README.splitlines()) <= 115
    rows = README.split("## Figures")[1].split("\n## ")[0].count("\n| ") - 1
    assert 1 <= rows <= 6


def test_readme_lists_every_room() -> None:
    """Each folder of the layout is there, and no room is left out."""
    folders = re.findall(r"^\| `([a-z_]+/)` \|", README, re.MULTILINE)
    rooms = {f"{path.parent.name}/" for path in REPOSITORY.glob("*/__init__.py")}
    assert all((REPOSITORY / folder).is_dir() for folder in folders)
    assert rooms - {"deploy/", "tests/"} <= set(folders)


def test_benchmarks_stand_under_commands_with_one_figure_a_cell() -> None:
    """Every table of figures follows the command that repeats it, and a cell holds one figure."""
    sections = re.split(r"^#{2,3} ", TEXTS["benchmarks/README.md"], flags=re.MULTILINE)[1:]
    tables = [section for section in sections if re.search(r"^\|[-| ]+\|$", section, re.MULTILINE)]
    assert len(tables) >= 10
    for section in tables:
        title, command = section.splitlines()[0], section.find("```sh")
        assert -1 < command < section.find("\n|"), title
        for cell in re.findall(r"(?<=\| )[^|]*(?= \|)", section):
            assert "/" not in cell or "`" in cell, (title, cell)
