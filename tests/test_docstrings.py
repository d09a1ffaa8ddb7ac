"""Docstrings of the project open with a noun or a verb that says what the thing is or does."""

import ast
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parent.parent
FOLDERS = (
    "dog_breed",
    "detector_app",
    "detector_api",
    "model_serving",
    "local_server",
    "deploy",
    "benchmarks",
    "examples",
    "tests",
)
MODULES = [
    path for folder in FOLDERS for path in sorted((REPOSITORY / folder).rglob("*.py")) if "_pb2" not in path.name
]
DEFINITIONS = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
# An opening with one of these is a riddle until its end: "What a caller is told of …".
RIDDLES = (
    "what",
    "how",
    "which",
    "whether",
    "who",
    "whoever",
    "where",
    "wherever",
    "when",
    "why",
    "that",
    "does",
    "is",
)


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_docstring_opens_with_noun_or_verb(module: Path) -> None:
    """No docstring begins as a question or a subordinate clause does."""
    nodes = [node for node in ast.walk(ast.parse(module.read_text())) if isinstance(node, DEFINITIONS)]
    openings = [docstring.splitlines()[0] for node in nodes if (docstring := ast.get_docstring(node))]
    assert [line for line in openings if line.lower().startswith(tuple(f"{word} " for word in RIDDLES))] == []
