"""The order of the rooms, as pyproject.toml has it."""

import pkgutil
import subprocess
import sys
import tomllib
from pathlib import Path

import model_serving

REPOSITORY = Path(__file__).parent.parent
LINTER = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["tool"]["importlinter"]


def test_rooms_use_only_rooms_below() -> None:
    """Every import goes down the house, and the gateway takes nothing of the trainer but the reading of photos."""
    code = "from importlinter.cli import lint_imports_command as lint; lint(['--no-cache'])"
    done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_contracts_list_no_exception() -> None:
    """No import is excused from a contract."""
    assert not any("ignore_imports" in contract for contract in LINTER["contracts"])


def test_gateway_contract_names_every_module_but_photos() -> None:
    """A new module of `model_serving` is closed to the gateway, too."""
    modules = {f"model_serving.{module.name}" for module in pkgutil.iter_modules(model_serving.__path__)}
    (forbidden,) = (set(one["forbidden_modules"]) for one in LINTER["contracts"] if "gateway" in one["name"])
    assert forbidden == modules - {"model_serving.photos"} | {"local_server"}
