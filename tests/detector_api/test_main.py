"""The app as a whole: what it needs, what it documents, and that every answer has the contract's shape."""

from __future__ import annotations

import asyncio
import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import httpx
import pillow_heif
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from detector_api import errors
from detector_api.main import create_app
from detector_api.prediction.predictor import Predictor
from detector_api.settings import Settings

HEAVY = ("tensorflow", "tensorflow_serving", "keras", "numpy")

ROUTES = {
    ("post", "/api/v1/predict_breed"),
    ("post", "/api/v1/predict_breeds"),
    ("post", "/api/v1/feedback"),
    ("get", "/api/v1/model"),
    ("get", "/livez"),
    ("get", "/readyz"),
    ("get", "/metrics"),
}
# Answered before a route is reached, or only where a setting asks for it.
OF_NO_ROUTE = {"malformed_request", "head_too_large", "unauthorized", "closing"}


def test_create_app_without_tensorflow_or_numpy_answers() -> None:
    """The gateway starts and answers where TensorFlow, Keras and numpy cannot be imported."""
    code = f"""
import asyncio, sys
for name in {HEAVY!r}:
    sys.modules[name] = None  # importing it raises ImportError
import httpx
from detector_api.main import create_app

async def main():
    transport = httpx.ASGITransport(create_app())
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
        print((await client.get("/livez")).text, (await client.get("/api/v1/model")).status_code)

asyncio.run(main())
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert run.stdout.strip() == '{"status":"ok"} 503', run.stderr


def test_create_app_loads_no_heavy_module() -> None:
    """The gateway does not load TensorFlow and numpy even where they are installed."""
    code = "import sys, detector_api.__main__; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert "detector_api" in run.stdout, run.stderr
    assert not set(HEAVY) & set(run.stdout.split())


def test_create_app_leaves_no_decoding_thread_behind(serving: Any, photo: bytes) -> None:
    """The threads that decode end with the app, though the process goes on."""
    app = create_app(Settings(serving_address=serving.address))

    async def ask_once() -> int:
        transport = httpx.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://gateway") as client,
        ):
            response = await client.post("/api/v1/predict_breed", files={"dog_image": photo})
            decoders.update(thread for thread in set(threading.enumerate()) - before if "decode" in thread.name)
            return response.status_code

    before, decoders = set(threading.enumerate()), set[threading.Thread]()
    assert asyncio.run(ask_once()) == 200
    assert decoders
    for thread in decoders:
        thread.join(10)
        assert not thread.is_alive()


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the process's memory from /proc")
def test_run_gateway_stays_below_its_memory(serving: Any, photo: bytes) -> None:
    """`python -m detector_api`, by its settings from the environment, answers photos in less than 90 MB."""
    environment = os.environ | {"DETECTOR_PORT": "0", "DETECTOR_SERVING_ADDRESS": serving.address}
    process = subprocess.Popen(
        [sys.executable, "-m", "detector_api"], env=environment, stdout=subprocess.PIPE, text=True, bufsize=1
    )
    try:
        assert process.stdout
        address = next(m[0] for line in process.stdout if (m := re.search(r"http://[\d.:]+", line)))
        with httpx.Client(base_url=address, timeout=20) as client:
            for _ in range(20):
                response = client.post("/api/v1/predict_breed", files={"dog_image": photo})
                assert response.status_code == 200
                assert "server" not in response.headers
        status = Path(f"/proc/{process.pid}/status").read_text()
        resident_megabytes = int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) / 1000
        assert resident_megabytes < 90
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)


def test_create_app_documents_every_route_and_error() -> None:
    """The OpenAPI document has every route, an example of the reply, and every error with an example of its own."""
    document = create_app(Settings()).openapi()
    assert {(verb, path) for path, verbs in document["paths"].items() for verb in verbs} == ROUTES
    predict = document["paths"]["/api/v1/predict_breed"]["post"]
    assert "dog_image" in predict["requestBody"]["content"]["multipart/form-data"]["schema"]["properties"]
    assert document["components"]["schemas"]["PredictionReply"]["example"]["breed"]

    documented = {
        code: (int(status), example["value"])
        for path in ("/api/v1/predict_breed", "/api/v1/feedback")
        for status, response in document["paths"][path]["post"]["responses"].items()
        if not status.startswith("2")
        for code, example in response["content"]["application/problem+json"]["examples"].items()
    }
    leaves = [error for error in every_error(errors.GatewayError) if hasattr(error, "code")]
    assert set(documented) | OF_NO_ROUTE == {error.code for error in leaves}
    for error in (error for error in leaves if error.code in documented):
        status, example = documented[error.code]
        assert status == error.status
        assert example["status"] == error.status
        assert example["detail"] == error.detail
    assert "HTTPValidationError" not in json.dumps(document)


def every_error(base: type[errors.GatewayError]) -> list[type[errors.GatewayError]]:
    return [base, *(error for child in base.__subclasses__() for error in every_error(child))]


def test_errors_docstring_draws_every_error() -> None:
    """The tree drawn at the top of `errors.py` is the tree of its classes, with their statuses and codes."""
    for error in every_error(errors.GatewayError):
        status_and_code = rf"\s+{error.status} {error.code}\b" if hasattr(error, "code") else r"\b"
        assert re.search(rf"\b{error.__name__}{status_and_code}", errors.__doc__ or "")


def test_docs_show_the_api(gateway: Any) -> None:
    """/docs and /openapi.json are served."""
    assert gateway.get("/docs").status_code == 200
    assert gateway.get("/openapi.json").json()["info"]["title"] == "Dog breed detector"


@pytest.mark.parametrize(
    ("verb", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "not_found"),
        ("GET", "/api/v1/predict_breed", 405, "method_not_allowed"),
        ("DELETE", "/api/v1/model", 405, "method_not_allowed"),
    ],
)
def test_request_of_no_route_is_a_problem(gateway: Any, verb: str, path: str, status: int, code: str) -> None:
    """The router's own errors have the shape of all others."""
    response = gateway.request(verb, path)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["code"] == code
    assert (response.headers.get("allow") is not None) is (status == 405)


def test_unexpected_error_is_500_and_leaks_nothing(
    serving: Any, start_gateway: Any, photo: bytes, monkeypatch: pytest.MonkeyPatch, log_lines: Any
) -> None:
    """An unforeseen error is told to the log and not to the caller, and its answer has the CORS headers too."""

    async def fail(*_: object, **__: object) -> None:
        raise RuntimeError("the password is in /srv/secret")

    monkeypatch.setattr(Predictor, "predict", fail)
    gateway = start_gateway(serving_address=serving.address, cors_origins="https://dogs.example")
    headers = {"origin": "https://dogs.example"}
    response = gateway.post("/api/v1/predict_breed", files={"dog_image": photo}, headers=headers)
    assert response.status_code == 500
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["code"] == "internal_error"
    assert "secret" not in response.text
    assert response.headers["access-control-allow-origin"] == "https://dogs.example"
    (line,) = log_lines()
    assert "the password is in /srv/secret" in line["exception"]


def test_cors_without_origins_is_off(gateway: Any) -> None:
    """No other site's page may read an answer unless the settings name it."""
    response = gateway.get("/livez", headers={"origin": "https://dogs.example"})
    assert "access-control-allow-origin" not in response.headers


@pytest.mark.parametrize("path", ["/livez", "/nothing", "/readyz"])
def test_cors_of_a_named_origin_is_on_errors_too(start_gateway: Any, path: str) -> None:
    """A page of a named origin reads errors as well as answers; another origin's reads neither."""
    gateway = start_gateway(serving_address="127.0.0.1:1", cors_origins="https://a.example, https://b.example")
    allowed = gateway.get(path, headers={"origin": "https://b.example"})
    assert allowed.headers["access-control-allow-origin"] == "https://b.example"
    other = gateway.get(path, headers={"origin": "https://c.example"})
    assert "access-control-allow-origin" not in other.headers


@pytest.mark.parametrize("prefix", ["/", "/api/v1/predict_breed?top_k=", "/api/v1/model/"])
@pytest.mark.parametrize(
    "tail",
    [
        b"a" * 8000,
        b"%",
        b"%zz",
        b"%00",
        b"%ff%fe",
        b"%2e%2e/%2e%2e/etc/passwd",
        b"..%5c..",
        b"//evil.example/",
        "käse".encode(),
        b"\x00",
        b"\xff\xfe",
        b"#x?y=;&&=",
        b'[]{}|^`<>"',
    ],
)
def test_request_of_an_absurd_url_is_a_4xx(gateway: httpx.Client, prefix: str, tail: bytes) -> None:
    """However broken an address is, the answer is an error of the caller's, and the next request is answered."""
    for verb in (b"GET", b"POST", b"HEAD"):
        with connect(gateway) as connection:
            connection.sendall(
                verb + b" " + prefix.encode() + tail + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
            )
            head = connection.makefile("rb").readline()
        assert 400 <= int(head.split()[1]) < 500, head
    assert gateway.get("/livez").status_code == 200


def connect(gateway: httpx.Client) -> socket.socket:
    return socket.create_connection((gateway.base_url.host, gateway.base_url.port or 80), timeout=60)


SVG = '<svg xmlns="http://www.w3.org/2000/svg"><image href="{0}"/></svg>'
XMP = '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF><a href="{0}"/></rdf:RDF></x:xmpmeta>'


def photos_naming(url: str) -> dict[str, bytes]:
    """Return files that name a URL in each place where a format has one."""

    def encode(kind: str, **options: Any) -> bytes:
        buffer = io.BytesIO()
        Image.new("RGB", (16, 16)).save(buffer, kind, **options)
        return buffer.getvalue()

    exif = Image.Exif()
    exif[0x010E] = exif[0x013B] = url
    text = PngInfo()
    text.add_itxt("XML:com.adobe.xmp", XMP.format(url))
    pillow_heif.register_heif_opener()  # to write them
    return {
        "text": url.encode(),
        "svg": SVG.format(url).encode(),
        "html": f'<img src="{url}">'.encode(),
        "jpeg": encode("JPEG", exif=exif, comment=url, xmp=XMP.format(url).encode()),
        "png": encode("PNG", pnginfo=text, exif=exif),
        "tiff": encode("TIFF", tiffinfo={270: url, 305: url, 700: XMP.format(url).encode()}),
        "webp": encode("WEBP", exif=exif, xmp=XMP.format(url).encode()),
        "heic": encode("HEIF", exif=exif.tobytes(), xmp=XMP.format(url).encode()),
    }


def test_request_naming_a_url_lets_nothing_be_fetched(gateway: httpx.Client, photo: bytes) -> None:
    """A URL in a field, file name, header, query or photo is never fetched on the caller's behalf."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/dog.jpg"
        names = ("dog_image", "image", "file", "url", "image_url")
        for path in ("/api/v1/predict_breed", "/api/v1/predict_breeds", "/api/v1/feedback"):
            for name in names:
                gateway.post(path, data={name: url})
                gateway.post(path, json={name: url})
                gateway.post(path, params={name: url, "breed": url, "keep": "true"}, files={name: (url, url, url)})
            for content in photos_naming(url).values():
                headers = {"Referer": url, "Origin": url, "X-Forwarded-Host": url}
                answer = gateway.post(path, files={"dog_image": (url, content)}, headers=headers)
                assert answer.status_code < 500
        listener.setblocking(False)
        with pytest.raises(BlockingIOError):
            listener.accept()


@pytest.mark.parametrize(
    "error",
    [error for error in every_error(errors.GatewayError) if hasattr(error, "code")],
    ids=lambda error: error.code,
)
def test_error_of_each_class_tells_nothing_of_the_inside(
    gateway: httpx.Client, photo: bytes, monkeypatch: pytest.MonkeyPatch, error: type[errors.GatewayError]
) -> None:
    """Its code and status are in the answer, and what the log is told - addresses, paths, a traceback - is not."""
    inside = "10.1.2.3:8500 /srv/secret/model"

    async def fail(*_: object, **__: object) -> None:
        try:
            raise OSError(inside)
        except OSError as cause:
            is_told = issubclass(error, (errors.ServingError, errors.FeedbackError))
            raise (error(inside) if is_told else error()) from cause

    monkeypatch.setattr(Predictor, "predict", fail)
    response = gateway.post("/api/v1/predict_breed", files={"dog_image": photo})
    assert (response.status_code, response.json()["code"]) == (error.status, error.code)
    assert set(response.json()) == {"code", "title", "status", "detail", "request_id"}
    told = response.text + str(response.headers)
    assert not any(word in told for word in (*inside.split(), "Traceback", "detector_api", ".py"))
