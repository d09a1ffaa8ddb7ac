"""The laptop's stand-in for nginx: what a browser is told alike by both."""

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from detector_api.main import create_app
from detector_api.settings import Settings
from dog_breed.front import create_front
from tests.device_files import PATHS_NOT_SERVED, require_kept_for_good, write_versions

TEMPLATE = Path(__file__).parents[2] / "detector_app" / "nginx" / "default.conf.template"
MAX_BODY = 1024 * 1024
Serve = Callable[..., AbstractContextManager[str]]


def headers_of_nginx(path: str) -> dict[str, str]:
    """Return the headers that nginx adds to every answer for a path, by its configuration."""
    text = TEMPLATE.read_text()
    added = re.findall(r'^    add_header ([\w-]+) (?:"([^"]*)"|([^$\s;]+)) always;$', text, re.MULTILINE)
    headers = {name.lower(): quoted or bare for name, quoted, bare in added}
    for name, variable in [("content-security-policy", "policy"), ("permissions-policy", "permissions")]:
        assert f"add_header {name} ${variable} always;" in text.lower()
        (lines,) = re.findall(rf"^map \$uri \${variable} \{{([^}}]*)\}}", text, re.MULTILINE)
        values = dict(re.findall(r'^    "?([^\s"]+)"? +"(.*)";$', lines, re.MULTILINE))
        pattern = next((one for one in values if one[0] == "~" and re.search(one[1:], path)), "default")
        headers[name] = values.get(path, values[pattern])
    return headers


@pytest.fixture
def front(serve: Serve, dead_address: str) -> Iterator[httpx.Client]:
    """A client of the front, with no model server behind it."""
    with (
        serve(
            create_front(create_app(Settings(serving_address=dead_address)), dead_address, MAX_BODY), lifespan="on"
        ) as address,
        httpx.Client(base_url=f"http://{address}") as client,
    ):
        yield client


@pytest.mark.parametrize(
    "path",
    ["/", "/js/main.js", "/js/device/worker.js", "/nothing", "/api/v1/model", "/v1/models/dog_breed"],
)
def test_get_answer_has_each_security_header_of_nginx_once(front: httpx.Client, path: str) -> None:
    """Page, gateway and model server, and their errors, come with the same policy as behind nginx."""
    expected = headers_of_nginx(path)
    assert "content-security-policy" in expected
    headers = front.get(path).headers
    assert {name: headers.get_list(name) for name in expected} == {
        name: [value] if value else [] for name, value in expected.items()
    }


@pytest.mark.parametrize("path", ["/", "/js/main.js", "/sw.js", "/manifest.json", "/breeds/en.json"])
def test_get_file_again_is_answered_from_cache(front: httpx.Client, path: str) -> None:
    """A file is kept by the browser and asked after by its ETag, as behind nginx, so that none is ever an old one."""
    first = front.get(path)
    assert first.headers["cache-control"] == "no-cache"
    again = front.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.headers["cache-control"]) == (304, "no-cache")


def test_get_docs_has_its_viewer_and_the_policy_for_it(front: httpx.Client) -> None:
    """The API's documentation is shown by a script of this host, under a policy that lets it run and nothing else."""
    answer = front.get("/docs")
    assert answer.status_code == 200
    (policy,) = answer.headers.get_list("content-security-policy")
    assert "script-src 'self' 'sha256-" in policy
    assert front.get("/docs/static/swagger-ui-bundle.js").status_code == 200


def test_docs_in_a_browser_show_the_calls_and_ask_no_other_host(front: httpx.Client, browser: Browser) -> None:
    """The viewer runs under its policy, lists the calls, and everything it loads comes from the gateway."""
    page = browser.new_page()
    asked, complaints = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.goto(f"{front.base_url}/docs")
    page.get_by_text("/api/v1/predict_breeds").first.wait_for(timeout=60_000)
    page.close()
    assert asked
    assert all(url.startswith((str(front.base_url), "data:")) for url in asked)
    assert not complaints


def test_get_metrics_is_not_for_the_outside(front: httpx.Client) -> None:
    """The front shows the gateway's metrics to nobody, as nginx does not."""
    assert front.get("/metrics").status_code == 404


@pytest.mark.parametrize("path", ["//api/v1/predict_breed", "///api/v1/model"])
def test_get_api_with_more_slashes_is_a_problem(front: httpx.Client, path: str) -> None:
    """An address of the API with a slash too many is answered in the API's own error shape."""
    answer = front.get(f"{front.base_url}{path}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert answer.headers["content-type"] == "application/problem+json"


def test_post_many_photos_gets_a_line_for_each(front: httpx.Client) -> None:
    """The front passes a stream of lines on, with the policy of every other answer."""
    files = [("file", (f"{number}.png", b"no photo")) for number in range(50)]
    answer = front.post("/api/v1/predict_breeds", files=files)
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert answer.headers.get_list("x-content-type-options") == ["nosniff"]
    assert answer.text.count('"index":') == 50


@pytest.mark.parametrize("announced", [True, False])
def test_post_to_the_model_server_past_the_limit_is_refused(serve: Serve, announced: bool) -> None:
    """A body for `/v1/` above the limit is 413, whether its length is told before or not; others are passed on."""

    async def answer_length(scope: Scope, receive: Receive, send: Send) -> None:
        await JSONResponse(len(await Request(scope, receive).body()))(scope, receive, send)

    def post(client: httpx.Client, size: int) -> httpx.Response:
        content = b" " * size
        return client.post("/v1/models/dog_breed:predict", content=content if announced else iter([content]))

    with serve(answer_length) as model_server:
        app = create_front(create_app(Settings(serving_address=model_server)), model_server, MAX_BODY)
        with serve(app, lifespan="on") as address, httpx.Client(base_url=f"http://{address}") as client:
            assert post(client, MAX_BODY).json() == MAX_BODY
            refused = post(client, MAX_BODY + 1)
    assert refused.status_code == 413
    assert refused.json() == {"error": "This upload is larger than 1 MB. Please send a smaller version."}


def test_call_serving_without_the_key_is_401(serve: Serve, dead_address: str) -> None:
    """The model server's own API on the same port asks for the gateway's key, too."""
    key = "a-key-that-is-long-1"
    settings = Settings(serving_address=dead_address, api_keys=key)
    with serve(create_front(create_app(settings), dead_address, MAX_BODY)) as address:
        url = f"http://{address}/v1/models/dog_breed"
        assert httpx.get(url).json()["code"] == "unauthorized"
        assert httpx.get(url, headers={"X-API-Key": key}).status_code != 401


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """The folder of a model with a live version and one on the shelf."""
    return write_versions(tmp_path / "model")


def test_get_file_for_devices_is_kept_for_good(serve: Serve, dead_address: str, model: Path) -> None:
    """The one file comes whole, in part, as a head alone or not again; it is no text, and nobody asks after it."""
    app = create_front(create_app(Settings(serving_address=dead_address)), dead_address, MAX_BODY, model)
    with serve(app) as address:
        require_kept_for_good(f"http://{address}/models/dog_breed/1/on_device.tflite")


@pytest.mark.parametrize("path", PATHS_NOT_SERVED)
def test_get_anything_else_of_a_model_is_404(serve: Serve, dead_address: str, model: Path, path: str) -> None:
    """No card, no weights, no folder, no version that is not served, and no way round; and no 404 is kept for good."""
    app = create_front(create_app(Settings(serving_address=dead_address)), dead_address, MAX_BODY, model)
    with serve(app) as address:
        reply = httpx.get(f"http://{address}/models/{path}")
    assert reply.status_code == 404
    assert "immutable" not in reply.headers.get("cache-control", "")
