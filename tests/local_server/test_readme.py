"""The local server's README is true."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import httpx

from local_server import flags

README = Path(__file__).parents[2] / "local_server" / "README.md"
TEXT = README.read_text()
TIMEOUT = 60


def blocks(language):
    """Return the code blocks in a language."""
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


def test_readme_example_answers(started, tmp_path, free_ports):
    """The model, the command and the request that it shows give an answer, with other ports and another folder."""
    grpc_port, rest_port = free_ports(2)
    (model,) = blocks("python")
    command, request = blocks("sh")
    subprocess.run(
        [sys.executable, "-c", model.replace("/models", str(tmp_path))],
        check=True,
        timeout=TIMEOUT,
        capture_output=True,
    )
    replaced = command.replace("/models", str(tmp_path)).replace("8500", str(grpc_port)).replace("8501", str(rest_port))
    name, *arguments = shlex.split(replaced)
    assert name == "tensorflow_model_server"
    with started(*arguments) as process:
        assert any("Exporting HTTP/REST API" in line for line in process.stderr)
        _, _, body, url = shlex.split(request)
        assert httpx.post(url.replace("8501", str(rest_port)), content=body).json() == {"predictions": [2.5, 3.0]}


def test_readme_parts_are_there():
    """Every file and folder in its tables exists, and every part is in them."""
    named = set(re.findall(r"`([a-z_]+(?:/|\.py))`", TEXT))
    assert all((README.parent / name).exists() for name in named), named
    assert {f"{path.parent.name}/" for path in README.parent.glob("*/__init__.py")} <= named


def test_readme_lists_every_flag():
    """The table has each flag with what becomes of it, in the words of the command line."""
    rows = re.findall(r"^\| `--(\w+)` \| ([\w ]+) \| (.+) \|$", TEXT, re.MULTILINE)
    own = {option.name: "own" if option.name in flags.OWN else "acted on" for option in fields(flags.Options)}
    assert rows == [
        *((option.name, own[option.name], option.metadata["help"]) for option in fields(flags.Options)),
        *((name, "ignored", other.why) for name, other in flags.IGNORED.items()),
        *((name, "refused", other.why) for name, other in flags.REFUSED.items()),
    ]
    assert set(re.findall(r"--([a-z_]+)", TEXT)) == {name for name, _, _ in rows}


def test_package_names_no_application():
    """Nothing in the package speaks of what a model is for."""
    words = re.compile(r"\b(dogs?|breeds?|photos?)\b", re.IGNORECASE)
    sources = [path for path in README.parent.rglob("*") if path.suffix in (".py", ".md")]
    assert not [path for path in sources if words.search(path.read_text())]
