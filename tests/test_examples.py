"""The scripts in examples/, each run as its first line says."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from model_serving.savedmodel.card import ModelCard
from model_serving.savedmodel.exported_model import ExportedModel
from tests.real_serving import gateway, local_server, wait_until

EXAMPLES = Path(__file__).parent.parent / "examples"
NO_TENSORFLOW = "import runpy, sys; sys.modules['tensorflow'] = None; runpy.run_path(sys.argv.pop(1))"


def run(script: str, *arguments: str, **options: object) -> str:
    """Run an example where TensorFlow cannot be imported, and return what it prints."""
    command = [sys.executable, "-c", NO_TENSORFLOW, str(EXAMPLES / script), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_ask_examples_name_the_breed_of_a_real_photo(
    starter_model: Path, shared_images: Path, free_ports: Callable[[int], list[int]]
) -> None:
    """Gateway and model server, asked by two short scripts without TensorFlow, name the same breed."""
    photo = str(next((shared_images / "dogs").glob("Brittany*.jpg")))
    serving_port, port = free_ports(2)
    with local_server(starter_model, serving_port), gateway(serving_port, port) as (_, client):
        wait_until(lambda: client.get("/readyz").status_code == 200)
        by_gateway = run("ask_gateway.py", photo, f"http://127.0.0.1:{port}")
        by_serving = run("ask_serving.py", photo, f"127.0.0.1:{serving_port}")
    assert by_gateway.startswith("a dog")
    assert by_gateway.splitlines()[1].endswith("Brittany")
    assert by_serving.splitlines()[0].endswith("Brittany")


@pytest.fixture
def trained(tmp_path: Path) -> ModelCard:
    """The card of the version that the third example makes."""
    command = [sys.executable, str(EXAMPLES / "train_three_classes.py"), str(tmp_path)]
    subprocess.run(command, check=True, timeout=300)
    with ExportedModel(tmp_path / "models" / "1") as model:
        return model.card


def test_train_example_tells_three_classes_apart(trained: ModelCard) -> None:
    """The drawn classes become a version that knows them, better than by chance."""
    assert trained.breeds == ("Circle", "Square", "Triangle")
    assert trained.test is not None
    assert trained.test["top1"] > 0.5
