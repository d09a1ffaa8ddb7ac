"""What the README tells people to type."""

import re
import shlex
from pathlib import Path

import pytest

from dog_breed.command import build_parser

REPOSITORY = Path(__file__).parent.parent
README = (REPOSITORY / "README.md").read_text()
CODE = re.findall(r"```sh\n(.*?)```", README, re.DOTALL) + re.findall(r"`([^`\n]+)`", README)
LINES = [line for block in CODE for line in block.replace("\\\n", " ").splitlines()]
COMMANDS = [shlex.split(line, comments=True) for line in LINES if "'" not in line]


def commands_of(*program: str) -> list[list[str]]:
    """Return the arguments of each command in the README that begins with `program`."""
    found = [words[len(program) :] for words in COMMANDS if tuple(words[: len(program)]) == program]
    assert found, f"the README has no command {program}"
    return found


@pytest.mark.parametrize("arguments", commands_of(".venv/bin/dog-breed"), ids=" ".join)
def test_readme_verbs_are_accepted(arguments: list[str]) -> None:
    """Every verb and option shown exists."""
    build_parser().parse_args(arguments)


@pytest.mark.parametrize("arguments", commands_of(".venv/bin/python", "-m"), ids=" ".join)
def test_readme_modules_exist(arguments: list[str]) -> None:
    """Every module that is shown to be run is there."""
    module = REPOSITORY / arguments[0].replace(".", "/")
    assert module.with_suffix(".py").is_file() or (module / "__main__.py").is_file()


@pytest.mark.parametrize("arguments", commands_of("make"), ids=" ".join)
def test_readme_make_targets_exist(arguments: list[str]) -> None:
    """Every target shown stands in the Makefile."""
    assert re.search(rf"^{arguments[0]}:", (REPOSITORY / "Makefile").read_text(), re.MULTILINE)


def test_readme_opens_with_sentence_commands_and_picture() -> None:
    """A newcomer reads what it is, what to type, and what it looks like, in this order, and the picture is there."""
    opening = re.match(
        r"# .+\n\n[A-Z][^\n]*(?:\n[^\n]+)*\n\n```sh\n(.*?)```\n\n!\[[^\]]+\]\(([^)]+)\)", README, re.DOTALL
    )
    assert opening
    assert [line.split("#")[0].strip() for line in opening[1].splitlines()] == ["make run", "make test"]
    assert (REPOSITORY / opening[2]).is_file()


def test_readme_folders_exist() -> None:
    """Every folder in the table of the layout is one."""
    folders = re.findall(r"^\| `([a-z_]+/)` \|", README, re.MULTILINE)
    assert len(folders) >= 5
    assert all((REPOSITORY / folder).is_dir() for folder in folders)


def test_readme_figures_are_figures() -> None:
    """Every row of the table of figures holds a number and a command."""
    table = README.split("## Figures")[1].split("\n## ")[0]
    rows = [line.split("|")[1:-1] for line in table.splitlines() if line.startswith("|")][2:]
    assert len(rows) >= 5
    for what, figure, command in rows:
        assert re.search(r"\d", figure), what
        assert "`" in command or "the same" in command, what
