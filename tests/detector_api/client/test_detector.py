"""The Python client: typed answers, one error, patience with a busy gateway."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from detector_api.client import Detector, DetectorError, ModelReference, detector

ONE, MANY = "/api/v1/predict_breed", "/api/v1/predict_breeds"
PREDICTION: dict[str, Any] = {
    "breed": "Beagle",
    "confidence": 0.5,
    "is_dog": True,
    "dog_probability": 0.75,
    "predictions": [],
    "model": {"name": "dog_breed", "version": 3},
}


def line(index: int | None, *, status: int | None = None, code: str = "damaged_image") -> dict[str, Any]:
    if status is None:
        return {"index": index, "filename": "photo", "prediction": PREDICTION}
    return {"index": index, "filename": "photo", "error": {"code": code, "status": status, "detail": "No."}}


def url_of(gateway: Any) -> str:
    return str(gateway.base_url)


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Collect how long the client would have waited, and let it wait no time."""
    seconds: list[float] = []
    monkeypatch.setattr(detector.time, "sleep", seconds.append)
    return seconds


def test_import_client_loads_neither_server_nor_tensorflow() -> None:
    """A program that asks needs httpx and nothing that answers: no FastAPI, gRPC, pydantic, TensorFlow, Pillow."""
    code = "import sys, detector_api.client; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    loaded = set(
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60).stdout.split()
    )
    assert "httpx" in loaded
    assert not loaded & {"fastapi", "starlette", "grpc", "pydantic", "tensorflow", "numpy", "PIL", "model_serving"}


@pytest.mark.parametrize("kind", ["path", "text", "bytes"])
def test_predict_of_a_path_or_bytes_is_a_typed_answer(gateway: Any, photo: bytes, tmp_path: Path, kind: str) -> None:
    """A real gateway's reply arrives with its types, whichever way the photo is given."""
    path = tmp_path / "dog.png"
    path.write_bytes(photo)
    with Detector(url_of(gateway)) as detector:
        seen = detector.predict({"path": path, "text": str(path), "bytes": photo}[kind], top_k=2, explain=True)
    assert (seen.breed, seen.confidence, seen.is_dog, seen.dog_probability) == ("Akita", 0.6, True, 0.75)
    assert [one.breed for one in seen.predictions] == ["Akita", "Beagle"]
    assert seen.model == ModelReference("dog_breed", 3)
    assert seen.heatmap == [[0.0, 0.5, 1.0], [0.501, 0.501, 0.501]]


def test_model_has_its_card(gateway: Any) -> None:
    """The served model's version, state and card are read."""
    with Detector(url_of(gateway)) as detector:
        model = detector.model()
    assert (model.name, model.version, model.state) == ("dog_breed", 3, "AVAILABLE")
    assert model.card["breeds"][0] == "Akita"
    assert model.feedback is False


def test_model_tells_whether_photos_are_kept(serving: Any, start_gateway: Any, tmp_path: Path) -> None:
    """Of a gateway that keeps photos for the next training, the model says so."""
    with Detector(url_of(start_gateway(serving_address=serving.address, feedback_folder=tmp_path))) as detector:
        assert detector.model().feedback is True


def test_predict_of_a_problem_raises_all_that_it_tells(gateway: Any) -> None:
    """The error has the gateway's code, status, words and request id."""
    with Detector(url_of(gateway)) as detector, pytest.raises(DetectorError) as raised:
        detector.predict(b"no photo")
    error = raised.value
    assert (error.code, error.status, error.retry_after) == ("unsupported_type", 415, None)
    assert error.request_id
    assert str(error) == error.detail


def test_predict_sends_the_key(scripted: Any) -> None:
    """An API key travels as a bearer token; without one there is no such header."""
    for key in ("secret", None):
        with Detector(scripted.url, key) as detector:
            detector.predict(b"x")
    assert [headers.get("authorization") for _, headers, _ in scripted.calls] == ["Bearer secret", None]


@pytest.mark.parametrize("status", [429, 503])
def test_predict_of_a_busy_gateway_waits_as_it_says(
    scripted: Any, waits: list[float], tmp_path: Path, status: int
) -> None:
    """A refusal with Retry-After is waited for and the whole file sent again."""
    busy = [scripted.problem(status, "busy", **{"Retry-After": wait}) for wait in ("3", "1")]
    scripted.replies[ONE] = [*busy, scripted.answer()]
    path = tmp_path / "dog.jpg"
    path.write_bytes(b"x" * 100_000)
    with Detector(scripted.url) as detector:
        assert detector.predict(path).breed == "Akita"
    assert waits == [3, 1]
    assert [photos for _, _, photos in scripted.calls] == [[path.read_bytes()]] * 3


@pytest.mark.parametrize(
    ("headers", "tries"),
    [({"Retry-After": "1"}, 3), ({"Retry-After": "61"}, 1), ({}, 1)],
    ids=["soon", "late", "never"],
)
def test_predict_of_a_gateway_that_stays_busy_raises(
    scripted: Any, waits: list[float], headers: dict[str, str], tries: int
) -> None:
    """The client gives up after its retries, and at once where it should wait too long or is not told how long."""
    scripted.replies[ONE] = [scripted.problem(503, "overloaded", **headers)]
    with Detector(scripted.url, retries=2) as detector, pytest.raises(DetectorError) as raised:
        detector.predict(b"x")
    assert len(scripted.calls) == tries
    assert len(waits) == tries - 1
    assert raised.value.retry_after == (float(headers["Retry-After"]) if headers else None)


def test_predict_with_no_gateway_says_so() -> None:
    """A port where nobody listens is told in a sentence with the address."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with Detector(f"http://127.0.0.1:{port}") as detector, pytest.raises(DetectorError) as raised:
        detector.predict(b"x")
    assert (raised.value.code, raised.value.status) == ("unreachable", None)
    assert f"No gateway answers at http://127.0.0.1:{port}" in str(raised.value)


@pytest.mark.parametrize("status", [200, 301, 500])
def test_predict_of_what_is_no_gateway_says_so(scripted: Any, status: int) -> None:
    """Another site's page at the address is an error of the same class, whatever its status."""
    from starlette.responses import HTMLResponse

    scripted.replies[ONE] = [lambda: HTMLResponse("<p>Hello", status)]
    with Detector(scripted.url) as detector, pytest.raises(DetectorError) as raised:
        detector.predict(b"x")
    assert raised.value.code == "unexpected_answer"
    assert str(status) in raised.value.detail


@pytest.mark.parametrize("name", ["absent.jpg", "empty.jpg", "."])
def test_predict_of_an_unreadable_file_says_so(scripted: Any, tmp_path: Path, name: str) -> None:
    """A file that is absent, empty or a folder is refused before anything is sent."""
    (tmp_path / "empty.jpg").touch()
    with Detector(scripted.url) as detector, pytest.raises(DetectorError) as raised:
        detector.predict(tmp_path / name)
    assert raised.value.code == "unreadable_file"
    assert not scripted.calls


def test_predict_many_gives_each_photo_its_answer(scripted: Any, tmp_path: Path) -> None:
    """Lines in any order, errors of a photo and unreadable files each come under the index that the caller counts."""
    photos = [b"a", tmp_path / "absent.jpg", b"c", b"d"]
    scripted.replies[MANY] = [scripted.lines(line(2), line(0, status=422), line(1))]
    with Detector(scripted.url) as detector:
        answers = {answer.index: answer for answer in detector.predict_many(photos, top_k=3)}
    assert {index: answer.error.code if answer.error else None for index, answer in answers.items()} == {
        0: "damaged_image",
        1: "unreadable_file",
        2: None,
        3: None,
    }
    ((_, sent, bodies),) = scripted.calls
    assert bodies == [b"a", b"c", b"d"]
    assert sent["top_k"] == "3"


def test_predict_many_takes_photos_as_it_needs_them(scripted: Any) -> None:
    """Of an endless supply only one request's worth is taken before the first answer."""
    taken = 0

    def endless() -> Any:
        nonlocal taken
        while True:
            taken += 1
            yield b"x"

    scripted.replies[MANY] = [scripted.lines(*map(line, range(detector.PHOTOS_A_REQUEST)))]
    with Detector(scripted.url) as client:
        answers = client.predict_many(endless())
        indices = [next(answers).index for _ in range(detector.PHOTOS_A_REQUEST + 1)]
    assert indices == list(range(detector.PHOTOS_A_REQUEST + 1))
    assert taken == 2 * detector.PHOTOS_A_REQUEST


@pytest.mark.parametrize(
    "stream",
    [
        [line(0), line(1, status=503, code="overloaded")],
        [line(0), line(None, status=503, code="model_unavailable")],
        [line(0), '{"index": 1, "pre'],
        [line(0)],
    ],
    ids=["a photo refused", "ended early", "torn", "short"],
)
def test_predict_many_asks_again_for_what_a_stream_left(scripted: Any, stream: list[Any]) -> None:
    """A photo that a stream did not answer is asked for alone, and no other is."""
    scripted.replies[MANY] = [scripted.lines(*stream)]
    with Detector(scripted.url) as detector:
        answers = {answer.index: answer.prediction for answer in detector.predict_many([b"a", b"b"])}
    assert {index: seen.breed for index, seen in answers.items() if seen} == {0: "Beagle", 1: "Akita"}
    assert [(path, photos) for path, _, photos in scripted.calls] == [(MANY, [b"a", b"b"]), (ONE, [b"b"])]


def test_predict_many_of_a_refused_request_raises(scripted: Any) -> None:
    """An error that concerns all photos is raised, not answered photo by photo."""
    scripted.replies[MANY] = [scripted.problem(401, "unauthorized")]
    with Detector(scripted.url) as detector, pytest.raises(DetectorError, match="unauthorized"):
        list(detector.predict_many([b"a", b"b"]))


def test_predict_many_without_photos_asks_nothing(scripted: Any, tmp_path: Path) -> None:
    """No photo, or none that can be read, costs no request."""
    with Detector(scripted.url) as detector:
        assert list(detector.predict_many([])) == []
        assert [answer.index for answer in detector.predict_many([tmp_path / "absent.jpg"])] == [0]
    assert not scripted.calls


def test_predict_many_through_a_real_gateway_pairs_photos_and_answers(gateway: Any, photo: bytes) -> None:
    """More photos than one request carries, good and bad mixed, each get their own answer."""
    photos = [photo if index % 3 else b"no photo" for index in range(detector.PHOTOS_A_REQUEST + 10)]
    with Detector(url_of(gateway)) as client:
        answers = {answer.index: answer for answer in client.predict_many(photos, top_k=1, explain=True)}
    assert len(answers) == len(photos)
    for index, answer in answers.items():
        if index % 3:
            assert answer.prediction
            assert (len(answer.prediction.predictions), answer.prediction.heatmap is None) == (1, False)
        else:
            assert answer.error
            assert (answer.error.code, answer.error.status) == ("unsupported_type", 415)
