"""`dog-breed predict`: a table or JSON lines on stdout, trouble on stderr, and an exit status to go by."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

MANY = "/api/v1/predict_breeds"


def run(*arguments: str | Path, env: dict[str, str] | None = None, **options: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "dog_breed", "predict", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env=os.environ | (env or {}), **options)


def line(index: int, breed: str, is_dog: bool | None = True) -> dict[str, Any]:
    model = {"name": "dog_breed", "version": 3}
    seen = {"breed": breed, "confidence": 0.625, "is_dog": is_dog, "dog_probability": 0.5, "predictions": []}
    return {"index": index, "filename": "photo", "prediction": seen | {"model": model}}


DAMAGED = {"index": 1, "filename": "photo", "error": {"code": "damaged_image", "status": 422, "detail": "Damaged."}}


@pytest.fixture
def folder(scripted: Any, tmp_path: Path) -> Path:
    """A folder whose three photos the scripted gateway answers out of order: a dog, damage, no dog."""
    from starlette.responses import JSONResponse

    card = {"breeds": ["Akita", "Welsh Springer Spaniel"]}
    model = {"name": "dog_breed", "version": 3, "state": "AVAILABLE", "feedback": False, "card": card}
    scripted.replies["/api/v1/model"] = [lambda: JSONResponse(model)]
    scripted.replies[MANY] = [scripted.lines(line(2, "Welsh Springer Spaniel", False), line(0, "Akita"), DAMAGED)]
    for name in ("a.jpg", "b/damaged.png", "c.webp", "notes.txt", ".hidden.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
    return tmp_path


def test_predict_of_a_folder_prints_an_aligned_table(scripted: Any, folder: Path) -> None:
    """Photos below the folder have a row each, in order; the damaged one is named on stderr, and the status is 1."""
    done = run(".", "--url", scripted.url, cwd=folder)
    assert done.stdout.splitlines() == [
        "file           breed                   confidence  dog",
        "a.jpg          Akita                        62.5%  yes",
        "c.webp         Welsh Springer Spaniel       62.5%  no",
    ]
    assert done.stderr.splitlines() == [
        "dog-breed: b/damaged.png: Damaged.",
        "dog-breed: 1 of 3 photos got no answer.",
    ]
    assert done.returncode == 1
    assert scripted.calls[-1][2] == [b"a.jpg", b"b/damaged.png", b"c.webp"]


def test_predict_of_cats_has_no_word_of_dogs(scripted: Any, tmp_path: Path) -> None:
    """A card of something else heads the table with its word for a class, and there is no column of dogs."""
    from starlette.responses import JSONResponse

    card = {"breeds": ["Birman"], "subject": {"one": "mushroom", "many": "mushrooms", "class": "species"}}
    model = {"name": "dog_breed", "version": 3, "state": "AVAILABLE", "feedback": False, "card": card}
    scripted.replies["/api/v1/model"] = [lambda: JSONResponse(model)]
    scripted.replies[MANY] = [scripted.lines(line(0, "Birman", None))]
    (tmp_path / "a.jpg").write_bytes(b"photo")
    done = run("a.jpg", "--url", scripted.url, cwd=tmp_path)
    assert done.stdout.splitlines() == ["file   species  confidence", "a.jpg  Birman        62.5%"]


def test_predict_with_json_prints_a_line_for_each_photo(scripted: Any, folder: Path) -> None:
    """Each line of JSON has the file and the prediction or the error, in the photos' order."""
    done = run(folder, "--json", "--top-k", "2", "--url", scripted.url)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [Path(line["file"]).name for line in lines] == ["a.jpg", "damaged.png", "c.webp"]
    assert lines[0]["prediction"]["breed"] == "Akita"
    assert lines[1]["error"] == {"code": "damaged_image", "status": 422, "detail": "Damaged."}
    assert scripted.calls[-1][1]["top_k"] == "2"


def test_predict_through_a_real_gateway_exits_with_0(gateway: Any, photo: bytes, tmp_path: Path) -> None:
    """Files and standard input are answered by a real gateway; when all are, the status is 0 and stderr empty."""
    path = tmp_path / "\x1b[2Jdog.png"
    path.write_bytes(photo)
    with path.open("rb") as stdin:
        done = run(path.name, "-", "--url", str(gateway.base_url), cwd=tmp_path, stdin=stdin)
    assert (done.returncode, done.stderr) == (0, "")
    rows = [row.split() for row in done.stdout.splitlines()[1:]]
    # A terminal must not obey a file's name.
    assert rows == [["\\x1b[2Jdog.png", "Akita", "60.0%", "yes"], ["-", "Akita", "60.0%", "yes"]]


def test_predict_sends_the_key_of_the_environment(scripted: Any, folder: Path) -> None:
    """The key is taken from the environment, or from the option before it."""
    for arguments in ((), ("--api-key", "other")):
        run(folder, "--url", scripted.url, *arguments, env={"DETECTOR_API_KEY": "secret"})
    keys = [headers["authorization"] for path, headers, _ in scripted.calls if path == MANY]
    assert keys == ["Bearer secret", "Bearer other"]


def test_predict_with_no_gateway_says_how_to_start_one(free_ports: Any, tmp_path: Path) -> None:
    """Without a gateway one line says where it was looked for and what to type."""
    done = run(tmp_path / "a.jpg", "--url", f"http://127.0.0.1:{free_ports(1)[0]}")
    (said,) = done.stderr.splitlines()
    assert "No gateway answers at http://127.0.0.1:" in said
    assert "`make run`" in said
    assert done.returncode == 1


def test_predict_of_a_folder_without_photos_says_so(tmp_path: Path) -> None:
    """Nothing to ask for is an error, not an empty table."""
    done = run(tmp_path)
    assert done.stderr.strip() == "dog-breed: These paths hold no photos. Name files, or folders with photos in them."
    assert (done.returncode, done.stdout) == (1, "")


def test_predict_into_a_closed_pipe_ends_quietly(scripted: Any, folder: Path) -> None:
    """A reader of the first line alone, as `head` is, sees no stack trace."""
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "dog_breed", "predict", str(folder), "--url", scripted.url]
    with os.fdopen(writing, "w") as stdout:
        done = subprocess.run(command, stdout=stdout, stderr=subprocess.PIPE, text=True, timeout=120)
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr


@pytest.mark.parametrize(
    ("verb", "missing", "extra"),
    [("predict a.jpg", "httpx", "client"), ("predict a.jpg", "detector_api", "client"), ("run", "fastapi", "laptop")],
)
def test_verb_without_its_packages_says_what_to_install(verb: str, missing: str, extra: str) -> None:
    """A verb whose part of the product is not installed names the extra that brings it, in one line."""
    code = f"import sys; sys.modules['{missing}'] = None; from dog_breed.command import main; main({verb.split()})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    (said,) = done.stderr.splitlines()
    assert f"pip install 'dog-breed-detector[{extra}]'" in said
    assert done.returncode == 1


def test_predict_loads_no_tensorflow(scripted: Any, folder: Path) -> None:
    """The verb asks the gateway and loads neither TensorFlow nor numpy."""
    code = (
        "import sys; sys.modules.update(dict.fromkeys(['tensorflow', 'numpy', 'PIL', 'fastapi', 'grpc'])); "
        "from dog_breed.command import main; main(sys.argv[1:])"
    )
    command = [sys.executable, "-c", code, "predict", str(folder / "a.jpg"), "--url", scripted.url]
    scripted.replies[MANY] = [scripted.lines(line(0, "Akita"))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
