"""Real nginx and a real browser before a scripted gateway.

The gateway is played by a small app because these tests are about what the true one seldom does: it holds answers
back, fails in every way, and sends hostile text. The page before the true gateway and model is the end-to-end test's.
"""

import contextlib
import io
import json
import os
import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest
import uvicorn
from PIL import Image, ImageDraw
from playwright.sync_api import Browser, ConsoleMessage, Page, expect
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from detector_app.runtime import FOLDER, RuntimeUnavailableError, fetch

APP = Path(__file__).parents[2] / "detector_app"
DEADLINE = 10.0  # seconds; for what takes milliseconds unless it is broken

CARD: dict[str, Any] = {
    "name": "dog_breed",
    "input_size": 260,
    "crop": 0.89,
    "breeds": ["Akita", "Beagle", "Borzoi", "Briard", "Kuvasz", "Saluki"],
    "detects_dogs": True,
    "thresholds": {"dog": 0.5, "sure": 0.5},
    "test": None,
}


# Hot in the first corner alone.
HEATMAP = [[1.0 if (row, column) == (0, 0) else 0.0 for column in range(4)] for row in range(4)]


@dataclass
class ScriptedGateway:
    """Answers as each test scripts it, by file name; a plain Akita otherwise. Plays TensorFlow Serving as well."""

    ready: bool = True
    card: dict[str, Any] = field(default_factory=lambda: dict(CARD))
    replies: dict[str, list[Response]] = field(default_factory=dict)  # in turn; the last one for good
    photos: list[tuple[str, bytes]] = field(default_factory=list)
    queries: list[dict[str, str]] = field(default_factory=list)  # of these photos
    requests: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    most_under_way: int = 0
    rest_bodies: list[dict[str, Any]] = field(default_factory=list)
    rest_version: str = "3"
    feedback: bool = False
    version: str = "3"
    on_device: dict[str, Any] | None = None
    refusal: Response | None = None  # of corrections
    key: str | None = None  # that calls of /v1/ must bring
    corrections: list[tuple[dict[str, str], str, bytes]] = field(default_factory=list)
    address: str = ""
    _under_way: int = 0
    _gates: dict[str, list[threading.Event]] = field(default_factory=dict)
    _all_gates: list[threading.Event] = field(default_factory=list)

    def hold(self, name: str) -> threading.Event:
        """Hold the next answer for a photo back until the event is set."""
        gate = threading.Event()
        self._gates.setdefault(name, []).append(gate)
        self._all_gates.append(gate)
        return gate

    def release_all(self) -> None:
        """Let every held answer go, so that the server can end."""
        for gate in self._all_gates:
            gate.set()

    def app(self) -> Starlette:
        """Return the application."""
        return Starlette(
            routes=[
                Route("/readyz", self._readyz),
                Route("/api/v1/model", self._model),
                Route("/api/v1/predict_breed", self._predict, methods=["POST"]),
                Route("/api/v1/feedback", self._correct, methods=["POST"]),
                Route("/v1/{path:path}", self._rest, methods=["GET", "POST"]),
                Route("/api/v1/access", self._access),
                Route("/api/{path:path}", self._echo, methods=["GET", "POST"]),
            ]
        )

    @staticmethod
    def answer(
        breed: str = "Akita", confidence: float = 0.9, *, is_dog: bool | None = True, version: str = "3", **more: Any
    ) -> JSONResponse:
        """Return the gateway's reply for a photo."""
        others = [
            {"breed": name, "confidence": (1 - confidence) / 4} for name in ["Beagle", "Borzoi", "Briard", "Kuvasz"]
        ]
        return JSONResponse(
            {
                "breed": breed,
                "confidence": confidence,
                "is_dog": is_dog,
                "dog_probability": None if is_dog is None else 0.98 if is_dog else 0.02,
                "predictions": [{"breed": breed, "confidence": confidence}, *others],
                "model": {"name": "dog_breed", "version": version},
                **more,
            }
        )

    @staticmethod
    def problem(status: int, code: str, headers: dict[str, str] | None = None) -> JSONResponse:
        """Return the gateway's reply for a photo that has no answer."""
        body = {"type": "about:blank", "title": "Title", "status": status, "detail": "Detail", "code": code}
        return JSONResponse(body, status, headers, media_type="application/problem+json")

    async def _readyz(self, request: Request) -> Response:
        return JSONResponse({"status": "ready"}) if self.ready else self.problem(503, "model_unavailable")

    async def _access(self, request: Request) -> Response:
        if self.key in (None, request.headers.get("x-api-key")):
            return Response(status_code=204)
        return self.problem(401, "unauthorized", {"WWW-Authenticate": 'Bearer realm="dog breed detector"'})

    async def _model(self, request: Request) -> Response:
        said = {"name": "dog_breed", "version": self.version, "state": "AVAILABLE", "card": self.card}
        return JSONResponse(said | {"feedback": self.feedback, "on_device": self.on_device})

    async def _correct(self, request: Request) -> Response:
        name, photo = await self._read(request)
        if self.refusal:
            return self.refusal
        self.corrections.append((dict(request.query_params), name, photo))
        return JSONResponse({"stored": True, "breed": request.query_params["breed"], "id": "0" * 64}, 201)

    @staticmethod
    async def _read(request: Request) -> tuple[str, bytes]:
        async with request.form() as form:
            upload = form["dog_image"]
            assert not isinstance(upload, str)
            return upload.filename or "", await upload.read()

    async def _echo(self, request: Request) -> Response:
        self.requests.append((request.method, request.url.path, dict(request.headers)))
        return PlainTextResponse("echo", headers={"X-Frame-Options": "SAMEORIGIN", "X-Request-ID": "from-behind"})

    async def _predict(self, request: Request) -> Response:
        name, photo = await self._read(request)
        self.photos.append((name, photo))
        self.queries.append(dict(request.query_params))
        self._under_way += 1
        self.most_under_way = max(self.most_under_way, self._under_way)
        replies = self.replies.get(name, [self.answer()])
        reply = replies.pop(0) if len(replies) > 1 else replies[0]
        gates = self._gates.get(name, [])
        if gates:
            await run_in_threadpool(gates.pop(0).wait)
        self._under_way -= 1
        if "explain" in request.query_params:
            return JSONResponse({**json.loads(bytes(reply.body)), "heatmap": HEATMAP})
        return reply

    async def _rest(self, request: Request) -> Response:
        self.requests.append((request.method, request.url.path, dict(request.headers)))
        if request.method == "GET":
            states = [{"version": self.rest_version, "state": "AVAILABLE"}, {"version": "1", "state": "END"}]
            return JSONResponse({"model_version_status": states if self.ready else []})
        if f"/versions/{self.rest_version}:" not in request.url.path:
            return JSONResponse({"error": "Servable not found for request"}, 404)
        body = await request.json()
        if not (body.get("inputs") or body.get("instances")):
            return JSONResponse({"error": "Missing named input"}, 400)  # as the true one, for any signature
        if body["signature_name"] == "describe":
            return JSONResponse({"outputs": [json.dumps(self.card)]})
        self.rest_bodies.append(body)
        breeds = ["Saluki", "Akita", "Beagle", "Borzoi", "Kuvasz"]
        shares = [0.8, 0.1, 0.05, 0.03, 0.02]
        prediction = {"top_breeds": breeds, "top_probabilities": shares, "dog_probability": 0.97, "probabilities": []}
        return JSONResponse({"predictions": [prediction]})


@contextlib.contextmanager
def served(
    app: Starlette, host: str = "127.0.0.1", port: int = 0, lifespan: Literal["on", "off"] = "off"
) -> Iterator[str]:
    """Serve an application and yield its host:port."""
    listener = socket.create_server((host, port))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan=lifespan))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield "{}:{}".format(*listener.getsockname())
    finally:
        server.should_exit = True
        thread.join(DEADLINE)
        listener.close()


def free_port() -> int:
    """Return a port on loopback that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def wait_until(condition: Callable[[], bool]) -> None:
    """Return as soon as the condition holds; fail after the deadline."""
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def accepts(address: str) -> bool:
    """Tell whether something listens at host:port."""
    host, port = address.rsplit(":", 1)
    with contextlib.suppress(OSError), socket.create_connection((host, int(port)), timeout=1):
        return True
    return False


@contextlib.contextmanager
def nginx_before(
    program: str, folder: Path, gateway: str, serving: str, resolver: str = "127.0.0.1", **limits: str
) -> Iterator[str]:
    """Run nginx with the product's templates, rendered as its image does, and yield the page's host:port."""
    address = f"127.0.0.1:{free_port()}"
    variables = {
        "NGINX_ENVSUBST_OUTPUT_DIR": str(folder),
        "NGINX_LOCAL_RESOLVERS": resolver,
        "LISTEN_ADDRESS": address,
        "PAGE_ROOT": str(APP / "page"),
        "MODELS_ROOT": str(folder / "models"),
        "GATEWAY_ADDRESS": gateway,
        "SERVING_REST_ADDRESS": serving,
        # All tests come from one address.
        "REQUESTS_PER_SECOND": "1000",
        "REQUESTS_AT_ONCE": "1000",
        "TRUSTED_PROXY": "set_real_ip_from 127.0.0.1;",
        # The image's, since the tests read what nginx says under it.
        "ERROR_LOG_LEVEL": re.findall(r"ERROR_LOG_LEVEL=(\w+)", (APP / "Dockerfile").read_text())[0],
    } | limits
    for template in (APP / "nginx").glob("*.template"):
        text = re.sub(r"\$\{(\w+)\}", lambda name: variables[name[1]], template.read_text())
        (folder / template.stem).write_text(text)
    # Started by root, the workers would run as nobody, who may not read the temporary folder.
    directives = "daemon off; user root;" if os.geteuid() == 0 else "daemon off;"
    with (folder / "nginx.log").open("wb") as log:
        process = subprocess.Popen(
            [program, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-g", directives],
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            wait_until(lambda: process.poll() is not None or accepts(address))
            assert process.poll() is None, (folder / "nginx.log").read_text()
            yield address
        finally:
            process.terminate()
            process.wait(DEADLINE)


@pytest.fixture
def serve() -> Callable[..., contextlib.AbstractContextManager[str]]:
    """Return a context manager that serves an application and gives its host:port."""
    return served


@pytest.fixture(scope="session")
def nginx(require: Callable[[object, str], None]) -> str:
    """Return the path of the nginx that is installed."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    require(program, "nginx")
    assert program
    return program


@pytest.fixture
def start_nginx(nginx: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., str]]:
    """Return a function that runs nginx before given addresses, in a given folder, and returns the page's."""
    with contextlib.ExitStack() as stack:
        yield (
            lambda folder=None, **options: (
                "http://"
                + stack.enter_context(nginx_before(nginx, folder or tmp_path_factory.mktemp("nginx"), **options))
            )
        )


@pytest.fixture
def gateway() -> Iterator[ScriptedGateway]:
    """Return a gateway that answers as the test scripts it."""
    scripted = ScriptedGateway()
    with served(scripted.app()) as scripted.address:
        yield scripted
        scripted.release_all()


@pytest.fixture
def site(nginx: str, gateway: ScriptedGateway, tmp_path: Path) -> Iterator[str]:
    """Return the address of the page behind nginx, with the scripted gateway behind it."""
    with nginx_before(nginx, tmp_path, gateway.address, gateway.address) as address:
        yield f"http://{address}"


@pytest.fixture(scope="session")
def runtime(require: Callable[[object, str], None]) -> Path:
    """Return the folder of the runtime with which browsers answer by themselves."""
    try:
        fetch()
    except RuntimeUnavailableError as error:
        require(False, f"the runtime of answers on the device: {error}")
    return FOLDER


@pytest.fixture
def eventually() -> Callable[[Callable[[], bool]], None]:
    """Return a function that returns as soon as its condition holds, and fails if it never does."""
    return wait_until


@pytest.fixture
def dead_address() -> str:
    """Return a host:port that nothing listens on."""
    return f"127.0.0.1:{free_port()}"


@pytest.fixture
def open_page(browser: Browser, site: str) -> Iterator[Callable[..., Page]]:
    """Return a function that opens a tab of given options, on another site if given one, watched like `page`."""
    with contextlib.ExitStack() as stack:
        yield lambda site=site, **options: stack.enter_context(watched_page(browser, site, **options))


@pytest.fixture
def page(browser: Browser, site: str) -> Iterator[Page]:
    """Return a tab at desktop size; its test fails on a script error, a broken policy, or a request to another host."""
    with watched_page(browser, site, viewport={"width": 1280, "height": 900}) as tab:
        yield tab


@contextlib.contextmanager
def watched_page(browser: Browser, site: str, **options: Any) -> Iterator[Page]:
    """Open a tab; fail on a script error, a violation of the policy, or a request to another host."""
    # What a service worker does is seen by its own tests; it would only take its time from all others.
    context = browser.new_context(base_url=site, **{"service_workers": "block"} | options)
    context.set_default_timeout(DEADLINE * 1000)
    tab = context.new_page()
    hosts: set[str] = set()
    faults: list[str] = []

    def heard(message: ConsoleMessage) -> None:
        # The browser notes each reply of 4xx and 5xx as an error by itself.
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            faults.append(message.text)

    # Choosers are intercepted only from the first listener on, which is too late if it comes together with the key.
    tab.on("filechooser", lambda chooser: None)
    tab.on("request", lambda request: hosts.add(request.url.split("/")[2]))
    tab.on("console", heard)
    tab.on("pageerror", lambda error: faults.append(str(error)))
    yield tab
    context.close()
    assert hosts <= {site.removeprefix("http://")}
    assert faults == []


@pytest.fixture
def photo() -> Callable[..., dict[str, Any]]:
    """Return a function that draws a photo, as a file to be chosen: stored with its left half red, its right blue."""

    def draw(name: str = "dog.jpg", width: int = 320, height: int = 240, orientation: int = 1) -> dict[str, Any]:
        image = Image.new("RGB", (width, height), (200, 30, 30))
        ImageDraw.Draw(image).rectangle((width // 2, 0, width, height), fill=(30, 30, 200))
        exif = Image.Exif()
        exif[0x0112] = orientation
        file = io.BytesIO()
        image.save(file, "JPEG", exif=exif)
        return {"name": name, "mimeType": "image/jpeg", "buffer": file.getvalue()}

    return draw


# Every kind of answer and of failure, and one that is still being read.
NAMES = ["sure.jpg", "perhaps.jpg", "group.jpg", "no-dog.jpg", "damaged.jpg", "slow.jpg", "held.jpg"]


@pytest.fixture
def states(gateway: ScriptedGateway, photo: Callable[..., dict[str, Any]]) -> Callable[[Page], Iterator[str]]:
    """Return a function that brings a page into each of its states, one after the other, and names it."""

    def walk(page: Page) -> Iterator[str]:
        gateway.ready = False
        gateway.feedback = True
        page.goto("/")
        expect(page.locator("#readiness")).to_be_visible()
        yield "while the model loads"
        gateway.ready = True
        expect(page.locator("#about-model")).not_to_be_empty()
        expect(page.locator("#readiness")).to_be_hidden()
        yield "empty"
        hounds = [{"breed": name, "confidence": 0.3} for name in ("Beagle", "Bloodhound", "Basset Hound")]
        gateway.replies |= {
            "perhaps.jpg": [gateway.answer("Akita", 0.3)],
            "group.jpg": [gateway.answer(predictions=hounds)],
            "no-dog.jpg": [gateway.answer(is_dog=False)],
            "damaged.jpg": [gateway.problem(422, "damaged_image")],
            "slow.jpg": [gateway.problem(504, "deadline")],
        }
        held = gateway.hold("held.jpg")
        page.set_input_files("#photos", [photo("sure.jpg")])
        expect(page.locator(".card[data-status=read]")).to_have_count(1)
        expect(page.locator("[data-do=explain]")).to_be_visible()  # once its preview is drawn
        expect(page.locator("#history")).to_be_visible()
        yield "with one answer"
        page.set_input_files(
            "#photos", [*(photo(name) for name in NAMES), {**photo("notes.txt"), "mimeType": "text/plain"}]
        )
        expect(page.locator(".card[data-status=reading]")).to_have_count(1)
        expect(page.locator(".card[data-status=failed]")).to_have_count(2)
        expect(page.locator(".card img:not([hidden])")).to_have_count(8)
        expect(page.locator("#left-out")).to_be_visible()
        yield "with answers, errors and one being read"
        held.set()
        expect(page.locator(".card[data-status=read]")).to_have_count(6)
        expect(page.locator("#history")).to_contain_text("6")
        card = page.locator(".card[data-status=read]").first
        for button in ("open", "explain", "facts", "correct"):
            card.locator(f"[data-do={button}]").click()
        card.locator(".choose input").check()
        expect(card.locator("canvas")).to_be_visible()
        expect(page.locator("#chosen")).to_be_visible()
        yield "with all of a card opened, and a choice"
        page.locator("#history summary").click()
        expect(page.locator(".record").first).to_be_visible()
        if page.locator(".arrange:not([open])").count() > 0:  # on a phone
            page.locator(".arrange summary").click()
        page.locator("[data-layout=table]:is(button)").click()
        expect(page.locator("table")).to_be_visible()
        yield "as a table, with the history"
        page.locator("#progress [data-do=clear]").click()
        expect(page.locator("#undo")).to_be_visible()
        yield "cleared"

    return walk


@pytest.fixture
def switch() -> Callable[[Page, str], None]:
    """Return a function that chooses a page's language."""

    def choose(page: Page, language: str) -> None:
        page.locator(f"#languages [lang={language}]").click()
        expect(page.locator("html")).to_have_attribute("lang", "zh-Hans" if language == "zh" else language)

    return choose
