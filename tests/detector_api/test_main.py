"""The app as a whole: what it needs, what it documents, and that every answer has the contract's shape."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest

from detector_api import errors
from detector_api.main import create_app
from detector_api.prediction.predictor import Predictor
from detector_api.settings import Settings

HEAVY = ("tensorflow", "tensorflow_serving", "keras", "numpy")

ROUTES = {
    ("post", "/api/v1/predict_breed"),
    ("get", "/api/v1/model"),
    ("get", "/livez"),
    ("get", "/readyz"),
    ("get", "/metrics"),
}


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
    """Where TensorFlow and numpy are installed the gateway does not load them either."""
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
        for status, response in predict["responses"].items()
        if status != "200"
        for code, example in response["content"]["application/problem+json"]["examples"].items()
    }
    leaves = [error for error in every_error(errors.GatewayError) if hasattr(error, "code")]
    assert set(documented) == {error.code for error in leaves}
    for error in leaves:
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
    """What nobody foresaw is told to the log and not to the caller, and its answer has the CORS headers too."""

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
