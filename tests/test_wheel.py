"""The wheel works by itself: installed, its commands run in any folder, with no file of the repository in reach."""

import contextlib
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
import venv
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

pytestmark = pytest.mark.model

REPOSITORY = Path(__file__).parent.parent
ROOMS = ("dog_breed", "detector_app", "detector_api", "model_serving", "local_server")


@pytest.fixture(scope="module")
def bin_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of a fresh environment with the wheel; the packages that it needs are those of the tests' own."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(REPOSITORY / name, source)
    for room in ROOMS:
        shutil.copytree(REPOSITORY / room, source / room, ignore=shutil.ignore_patterns("__pycache__"))
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*build, "--wheel-dir", str(folder), str(source)], check=True)
    shutil.rmtree(source)
    environment = folder / "environment"
    venv.create(environment, with_pip=True)
    python = environment / "bin" / "python"
    (wheel,) = folder.glob("*.whl")
    subprocess.run([python, "-m", "pip", "install", "--quiet", "--no-deps", str(wheel)], check=True)
    # A plain path, whose own .pth files are not read: the editable install of the repository stays out of reach.
    own = next((environment / "lib").glob("python*/site-packages"))
    others = [path for path in sys.path if path.endswith("site-packages")] or [sysconfig.get_path("purelib")]
    (own / "packages_of_the_tests.pth").write_text("\n".join(others))
    return environment / "bin"


@pytest.fixture(scope="module")
def folder(bin_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of the user's own, with a starter model in the default place."""
    folder = tmp_path_factory.mktemp("anywhere")
    subprocess.run([bin_folder / "dog-breed", "export"], cwd=folder, check=True, timeout=300)
    return folder


@contextlib.contextmanager
def running(command: list[str | Path], folder: Path) -> Iterator[None]:
    """Run a server until the block ends."""
    process = subprocess.Popen(list(map(str, command)), cwd=folder)
    try:
        yield
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)


def wait_for(url: str) -> httpx.Response:
    """Return the first answer of a URL."""
    for _ in range(600):
        with contextlib.suppress(httpx.TransportError):
            return httpx.get(url, trust_env=False)
        time.sleep(0.2)
    raise AssertionError(f"{url} does not answer")


def test_wheel_brings_all_rooms_and_none_of_the_repository(bin_folder: Path, tmp_path: Path) -> None:
    """Every room is imported from the environment, with its types."""
    code = f"import {', '.join(ROOMS)}; print(*(room.__file__ for room in ({', '.join(ROOMS)})), sep='\\n')"
    done = subprocess.run([bin_folder / "python", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    places = [Path(line).parent for line in done.stdout.splitlines()]
    assert all(place.is_relative_to(bin_folder.parent) for place in places)
    assert all((place / "py.typed").exists() for place in places)


def test_wheel_trains_and_scores_in_any_folder(bin_folder: Path, folder: Path, shared_images: Path) -> None:
    """`train` and `score` keep models, caches and scores under the current folder."""
    photos = folder / "photos"
    for breed in ("samoyed", "chihuahua"):
        for photo in sorted((shared_images / "dogs64" / "train" / breed).iterdir())[:4]:
            (photos / breed).mkdir(parents=True, exist_ok=True)
            shutil.copy(photo, photos / breed)
    train = [bin_folder / "dog-breed", "train", "photos", "--backbone", "efficientnet_lite2", "--promote", "never"]
    subprocess.run(train, cwd=folder, check=True, timeout=300)
    subprocess.run([bin_folder / "dog-breed", "score", "photos"], cwd=folder, check=True, timeout=300)
    assert len((folder / "scores.csv").read_text().splitlines()) == 9
    assert (folder / "models" / "dog_breed" / ".shelf" / "2" / "assets.extra" / "report.html").exists()


def test_wheel_runs_page_gateway_and_server(
    bin_folder: Path, folder: Path, shared_images: Path, free_ports: Callable[[int], list[int]]
) -> None:
    """`dog-breed run` serves the page, and answers a real photo."""
    port, grpc_port, rest_port = free_ports(3)
    ports = ["--port", str(port), "--grpc-port", str(grpc_port), "--rest-port", str(rest_port)]
    photo = next((shared_images / "dogs").glob("Brittany*.jpg"))
    with running([bin_folder / "dog-breed", "run", *ports], folder):
        assert "<title" in wait_for(f"http://127.0.0.1:{port}/").text
        assert httpx.get(f"http://127.0.0.1:{port}/breeds/breeds.json", trust_env=False).json()["Akita"]
        url = f"http://127.0.0.1:{port}/api/v1/predict_breed"
        answer = httpx.post(url, files={"dog_image": photo.read_bytes()}, timeout=30, trust_env=False)
    assert answer.json()["breed"] == "Brittany"


def test_wheel_brings_the_local_server(bin_folder: Path, folder: Path, free_ports: Callable[[int], list[int]]) -> None:
    """`tensorflow_model_server` serves a model from a folder."""
    port, rest_port = free_ports(2)
    ports = [f"--port={port}", f"--rest_api_port={rest_port}"]
    models = f"--model_base_path={folder / 'models' / 'dog_breed'}"
    with running([bin_folder / "tensorflow_model_server", *ports, models], folder):
        assert "AVAILABLE" in wait_for(f"http://127.0.0.1:{rest_port}/v1/models/default").text
