"""nginx before the gateway and TensorFlow Serving: what passes, what does not, and in which words."""

import contextlib
import json
import re
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route

from tests.device_files import PATHS_NOT_SERVED, require_kept_for_good, write_versions

MEGABYTE = 2**20

SECURITY_HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/js/main.js"),
        ("GET", "/favicon.svg"),
        ("GET", "/absent"),
        ("POST", "/"),
        ("GET", "/api/anything"),
        ("GET", "/api/v1/predict_breed"),
        ("GET", "/readyz"),
        ("GET", "/v1/models/dog_breed:predict"),
        ("GET", "/v1/elsewhere"),
    ],
)
def test_get_reply_has_each_security_header_once(site: str, method: str, path: str) -> None:
    """Every reply, errors too, carries the security headers, and no server behind can add a second one."""
    headers = httpx.request(method, site + path).headers
    for name, value in SECURITY_HEADERS.items():
        assert headers.get_list(name) == [value]
    (policy,) = headers.get_list("content-security-policy")
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert headers["server"] == "nginx"


def test_get_worker_may_run_webassembly_and_no_other_file(site: str) -> None:
    """The script of the worker that answers on the device carries one source more than all others, no wider one."""
    policies = {
        path: httpx.get(site + path).headers["content-security-policy"]
        for path in ("/", "/js/device/worker.js", "/js/device/worker.js/", "/js/photos/redraw_worker.js", "/sw.js")
    }
    allowed = policies.pop("/js/device/worker.js")
    assert allowed == "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'"
    assert policies["/sw.js"] == allowed.replace(" 'wasm-unsafe-eval'", "")
    assert not any("unsafe" in policy for policy in policies.values())


def test_get_runtime_is_sent_as_it_lies_there_compressed(site: str, runtime: Path) -> None:
    """WebAssembly comes with its type, and in a third of its bytes for whoever takes them compressed."""
    for file in runtime.glob("*.wasm"):
        with httpx.stream("GET", f"{site}/runtime/{file.name}", headers={"Accept-Encoding": "gzip"}) as reply:
            assert reply.headers["content-type"] == "application/wasm"
            assert reply.headers["content-encoding"] == "gzip"
            assert int(reply.headers["content-length"]) < file.stat().st_size / 3
            assert reply.read() == file.read_bytes()
        assert (
            httpx.get(f"{site}/runtime/{file.name}", headers={"Accept-Encoding": "identity"}).content
            == file.read_bytes()
        )


def test_send_malformed_request_leaks_no_version(site: str) -> None:
    """Not even a reply to what is no HTTP tells the version."""
    host, port = site.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
        reply = b"".join(iter(lambda: connection.recv(65536), b""))
    assert reply.startswith(b"HTTP/1.1 400")
    assert not re.search(rb"nginx/\d", reply)
    assert b"Content-Security-Policy" in reply


def test_post_photo_over_limit_returns_problem(site: str) -> None:
    """An upload over 20 MB is refused in the gateway's own form."""
    reply = httpx.post(f"{site}/api/v1/predict_breed", content=b"x" * (20 * MEGABYTE + 1))
    assert reply.status_code == 413
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.json()["code"] == "too_large"


def test_post_many_photos_over_limit_returns_problem(site: str, gateway: Any) -> None:
    """A stream announced as more than 4 GB is refused before it is sent, in the gateway's own form, by nginx."""
    with contextlib.closing(HTTPConnection(site.removeprefix("http://"), timeout=60)) as connection:
        connection.putrequest("POST", "/api/v1/predict_breeds")
        connection.putheader("Content-Length", str(4096 * MEGABYTE + 1))
        connection.putheader("X-Request-ID", "abc-123")
        connection.endheaders()
        reply = connection.getresponse()
        problem = json.loads(reply.read())
    assert (reply.status, reply.getheader("content-type")) == (413, "application/problem+json")
    assert (problem["status"], problem["code"], problem["request_id"]) == (413, "too_large", "abc-123")
    assert problem["detail"] == "This upload is larger than 4096 MB. Please send fewer photos at once."
    assert not gateway.requests


def test_post_photo_at_limit_reaches_gateway(start_nginx: Callable[..., str], gateway: Any, tmp_path: Path) -> None:
    """An upload of just 20 MB passes, and nginx writes none of it to disk, which it would warn of."""
    site = start_nginx(tmp_path, gateway=gateway.address, serving=gateway.address, ERROR_LOG_LEVEL="warn")
    reply = httpx.post(f"{site}/api/elsewhere", content=b"x" * (20 * MEGABYTE))
    assert reply.text == "echo"
    assert "buffered to a temporary file" not in (tmp_path / "nginx.log").read_text()


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/api/v1/model", "gateway_unavailable"),
        ("/readyz", "gateway_unavailable"),
        ("/v1/models/dog_breed", "model_unavailable"),
    ],
)
def test_ask_dead_server_returns_problem(
    start_nginx: Callable[..., str], gateway: Any, dead_address: str, path: str, code: str
) -> None:
    """A server that is down gives 503 in words, and when to come back."""
    living = gateway.address if code == "model_unavailable" else dead_address
    reply = httpx.get(start_nginx(gateway=living, serving=dead_address) + path)
    assert reply.status_code == 503
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.headers.get_list("retry-after") == ["5"]
    assert reply.json()["code"] == code
    assert "127.0.0.1" not in reply.text


def test_get_problem_of_gateway_passes_unchanged(site: str, gateway: Any) -> None:
    """The gateway's own 503 keeps its words and its own time to come back."""
    gateway.replies["dog.jpg"] = [gateway.problem(503, "overloaded", {"Retry-After": "2"})]
    reply = httpx.post(f"{site}/api/v1/predict_breed", files={"dog_image": ("dog.jpg", b"photo")})
    assert reply.json()["code"] == "overloaded"
    assert reply.headers.get_list("retry-after") == ["2"]


def test_get_file_again_is_answered_from_cache(site: str) -> None:
    """A file is asked after by its ETag and not sent twice, compressed or not."""
    for encoding in ("identity", "gzip"):
        first = httpx.get(f"{site}/style.css", headers={"Accept-Encoding": encoding})
        assert first.headers["cache-control"] == "no-cache"
        assert first.headers.get("content-encoding", "identity") == encoding
        again = httpx.get(
            f"{site}/style.css", headers={"Accept-Encoding": encoding, "If-None-Match": first.headers["etag"]}
        )
        assert again.status_code == 304


@pytest.mark.parametrize("path", ["/", "/style.css", "/js/main.js", "/favicon.svg", "/sw.js", "/manifest.json"])
def test_get_file_has_right_type(site: str, path: str) -> None:
    """Each file has the type that a browser insists on."""
    types = {
        "/": "text/html",
        "/style.css": "text/css",
        "/favicon.svg": "image/svg+xml",
        "/manifest.json": "application/json",
    }
    assert types.get(path, "javascript") in httpx.get(site + path).headers["content-type"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/models/dog_breed", 200),
        ("GET", "/v1/models/dog_breed/versions/3", 200),
        ("GET", "/v1/models/dog_breed/metadata", 200),
        ("POST", "/v1/models/dog_breed/versions/3:predict", 200),
        ("GET", "/v1/models/dog_breed:predict", 405),
        ("DELETE", "/v1/models/dog_breed", 405),
        ("POST", "/v1/models/dog_breed", 405),
        ("POST", "/v1/models/dog_breed:classify", 404),
        ("GET", "/v1/models/dog_breed/../../monitoring", 404),
        ("GET", "/v1/models/dog_breed%2f..%2f..%2fmonitoring", 404),
        ("GET", "/v1/", 404),
        ("GET", "/monitoring/prometheus/metrics", 404),
        ("GET", "/metrics", 404),
    ],
)
def test_call_serving_lets_only_ask_and_read(site: str, gateway: Any, method: str, path: str, status: int) -> None:
    """Of TensorFlow Serving's REST API only predict and the models' descriptions can be reached."""
    body = json.dumps({"signature_name": "describe", "inputs": [""]}) if method == "POST" else None
    host = site.removeprefix("http://")
    # httpx would tidy the path up before it is sent.
    with httpx.Client(transport=httpx.HTTPTransport()) as client:
        request = httpx.Request(method, site, content=body)
        request.url = httpx.URL(
            scheme="http", host=host.split(":")[0], port=int(host.split(":")[1]), raw_path=path.encode()
        )
        assert client.send(request).status_code == status
    assert len(gateway.requests) == (status == 200)


def test_call_gateway_passes_request_id(site: str, gateway: Any) -> None:
    """A caller's harmless request id reaches the gateway and comes back; a harmful one is replaced."""
    kept = httpx.get(f"{site}/api/echo", headers={"X-Request-ID": "abc-123"})
    assert kept.headers.get_list("x-request-id") == ["abc-123"]
    assert gateway.requests[-1][2]["x-request-id"] == "abc-123"
    replaced = httpx.get(f"{site}/api/echo", headers={"X-Request-ID": 'a" b'})
    assert re.fullmatch("[0-9a-f]{32}", replaced.headers["x-request-id"])
    assert gateway.requests[-1][2]["x-request-id"] == replaced.headers["x-request-id"]


def test_log_request_is_json_without_query(site: str, tmp_path: Path, eventually: Callable[..., None]) -> None:
    """A line of the log is JSON with the request id, and without what a person may have typed."""
    httpx.get(f"{site}/api/echo?name=Rex", headers={"X-Request-ID": "abc-123"})
    log = tmp_path / "nginx.log"
    eventually(lambda: "abc-123" in log.read_text())  # nginx writes it once the reply is sent
    (line,) = [line for line in log.read_text().splitlines() if "abc-123" in line]
    assert json.loads(line)["path"] == "/api/echo"
    assert "Rex" not in line


@pytest.mark.parametrize(("status", "rate"), [(429, "1"), (503, "1000")])
def test_log_refusal_is_json_without_query(
    start_nginx: Callable[..., str],
    dead_address: str,
    tmp_path: Path,
    eventually: Callable[..., None],
    status: int,
    rate: str,
) -> None:
    """A refusal, or a dead gateway, is a line of JSON too, and no line holds a query or where it came from."""
    site = start_nginx(tmp_path, gateway=dead_address, serving=dead_address, REQUESTS_PER_SECOND=rate)
    headers = {"X-Request-ID": "abc-123", "Referer": "http://elsewhere.test/?name=Luna"}
    with httpx.Client(headers=headers) as client:
        eventually(lambda: client.get(f"{site}/api/echo?name=Rex").status_code == status)
    log = tmp_path / "nginx.log"
    eventually(lambda: f'"status":{status}' in log.read_text())
    assert all(json.loads(line)["path"] for line in log.read_text().splitlines())
    assert not re.search("Rex|Luna", log.read_text())


def test_restart_gateway_elsewhere_is_found_again(
    start_nginx: Callable[..., str],
    names: "Names",
    serve: Callable[..., Any],
    dead_address: str,
    eventually: Callable[..., None],
) -> None:
    """A gateway that comes back under another address is found by its name, without a restart of nginx."""
    app = Starlette(routes=[Route("/api/where", lambda request: PlainTextResponse(request.scope["server"][0]))])
    with serve(app, "127.0.0.2") as first:
        port = int(first.split(":")[1])
        names.addresses = ["127.0.0.2"]
        site = start_nginx(gateway=f"gateway.test:{port}", serving=dead_address, resolver=names.server)
        assert httpx.get(f"{site}/api/where").text == "127.0.0.2"
    names.addresses = ["127.0.0.3"]
    with serve(app, "127.0.0.3", port):
        eventually(lambda: httpx.get(f"{site}/api/where").text == "127.0.0.3")


def test_post_to_two_gateways_asks_the_living_one(
    start_nginx: Callable[..., str], names: "Names", serve: Callable[..., Any], dead_address: str
) -> None:
    """Two gateways of one name share the photos, and one that ends under a photo costs nothing."""
    heard = []

    def answer(request: Request) -> PlainTextResponse:
        heard.append(request.scope["server"][0])
        return PlainTextResponse("answer")

    app = Starlette(routes=[Route("/api/photo", answer, methods=["POST"])])
    names.addresses = ["127.0.0.2", "127.0.0.3"]
    with serve(app, "127.0.0.2") as first:
        port = int(first.split(":")[1])
        site = start_nginx(gateway=f"gateway.test:{port}", serving=dead_address, resolver=names.server)
        with serve(app, "127.0.0.3", port):
            for _ in range(100):
                assert httpx.post(f"{site}/api/photo", content=b"photo").text == "answer"
                if len(set(heard)) == 2:
                    break
            assert set(heard) == {"127.0.0.2", "127.0.0.3"}
        with dying_server("127.0.0.3", port) as deaths:
            for _ in range(100):
                assert httpx.post(f"{site}/api/photo", content=b"photo").text == "answer"
                if deaths:
                    break
            assert deaths


class Deaths(list[bytes]):
    """The requests under which a server ended, and its port."""

    port: int


@contextlib.contextmanager
def dying_server(host: str, port: int) -> Iterator["Deaths"]:
    """Listen like a server that ends under every request; yield the requests that it took along."""
    listener = socket.create_server((host, port))
    port = listener.getsockname()[1]
    deaths = Deaths()
    deaths.port = port

    def take_and_close() -> None:
        while True:
            connection, _ = listener.accept()
            with connection:
                if not (request := connection.recv(65536)):
                    return
                deaths.append(request)

    thread = threading.Thread(target=take_and_close)
    thread.start()
    yield deaths
    socket.create_connection((host, port)).close()
    thread.join()
    listener.close()


def test_post_too_often_returns_problem(start_nginx: Callable[..., str], gateway: Any) -> None:
    """An address that sends too much is told to wait; others, told apart behind a trusted proxy, are served."""
    site = start_nginx(gateway=gateway.address, serving=gateway.address, REQUESTS_PER_SECOND="1")
    with httpx.Client() as client:
        replies = [client.get(f"{site}/api/echo") for _ in range(150)]
        refused = next(reply for reply in replies if reply.status_code != 200)
        assert (refused.status_code, refused.json()["code"]) == (429, "too_many_requests")
        assert refused.headers.get_list("retry-after") == ["1"]
        assert client.get(f"{site}/api/echo", headers={"X-Forwarded-For": "192.0.2.1"}).status_code == 200
        assert client.get(f"{site}/readyz").status_code == client.get(site).status_code == 200


def test_trust_several_proxies_tells_clients_apart(start_nginx: Callable[..., str], gateway: Any) -> None:
    """Several networks of proxies are believed, as Kubernetes' manifest names them, one after the other."""
    for networks in (["127.0.0.0/8", "10.0.0.0/8"], ["10.0.0.0/8", "fc00::/7", "127.0.0.0/8"]):
        proxies = " ".join(f"set_real_ip_from {network};" for network in networks)
        site = start_nginx(
            gateway=gateway.address, serving=gateway.address, TRUSTED_PROXY=proxies, REQUESTS_PER_SECOND="1"
        )
        with httpx.Client() as client:
            for client_number in range(150):
                headers = {"X-Forwarded-For": f"192.0.2.{client_number}"}
                assert client.get(f"{site}/api/echo", headers=headers).status_code == 200


def test_post_too_many_at_once_returns_problem(
    start_nginx: Callable[..., str], gateway: Any, eventually: Callable[..., None]
) -> None:
    """While an address has as many photos under way as it may, one more is refused, and after that taken."""
    site = start_nginx(gateway=gateway.address, serving=gateway.address, REQUESTS_AT_ONCE="1")
    answered = gateway.hold("first.jpg")

    def ask(name: str) -> httpx.Response:
        return httpx.post(f"{site}/api/v1/predict_breed", files={"dog_image": (name, b"photo")})

    with ThreadPoolExecutor() as pool:
        first = pool.submit(ask, "first.jpg")
        eventually(lambda: bool(gateway.photos))
        assert ask("second.jpg").status_code == 429
        answered.set()
        assert first.result().status_code == 200
    eventually(lambda: ask("third.jpg").status_code == 200)


def test_post_many_photos_passes_through_unbuffered(
    start_nginx: Callable[..., str], serve: Callable[..., Any], dead_address: str, tmp_path: Path
) -> None:
    """A body far above one photo's limit passes without touching the disk, and every line comes back."""

    async def answer(request: Request) -> StreamingResponse:
        assert "x-answer-after-body" in request.headers
        count = 0
        async for piece in request.stream():
            count += len(piece)
        return StreamingResponse((f"{count}\n" for _ in range(1000)), media_type="application/x-ndjson")

    app = Starlette(routes=[Route("/api/v1/predict_breeds", answer, methods=["POST"])])
    with serve(app) as gateway:
        site = start_nginx(tmp_path, gateway=gateway, serving=dead_address, ERROR_LOG_LEVEL="warn")
        reply = httpx.post(f"{site}/api/v1/predict_breeds", content=(bytes(MEGABYTE) for _ in range(50)), timeout=60)
    assert reply.text == f"{50 * MEGABYTE}\n" * 1000
    assert "temporary file" not in (tmp_path / "nginx.log").read_text()


class Names:
    """A DNS server that knows the same addresses for any name."""

    def __init__(self) -> None:
        self.addresses: list[str] = []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.server = "{}:{}".format(*self.socket.getsockname())

    def answer(self) -> None:
        """Answer until a datagram is empty."""
        while (received := self.socket.recvfrom(512))[0]:
            query, client = received
            end = query.index(b"\0", 12) + 5  # after the name, its type and class
            is_ipv4 = query[end - 4 : end - 2] == b"\0\1"
            addresses = self.addresses if is_ipv4 else []
            head = query[:2] + b"\x81\x80" + b"\0\1" + bytes([0, len(addresses)]) + b"\0\0\0\0"
            # The name by reference, type A, class IN, ten minutes to live as Docker says, four bytes.
            record = b"\xc0\x0c\0\1\0\1\0\0\x02\x58\0\4"
            records = b"".join(record + socket.inet_aton(address) for address in addresses)
            self.socket.sendto(head + query[12:end] + records, client)


@pytest.fixture
def names() -> Iterator[Names]:
    """Return a DNS server on loopback."""
    names = Names()
    thread = threading.Thread(target=names.answer)
    thread.start()
    yield names
    names.socket.sendto(b"", names.socket.getsockname())
    thread.join()
    names.socket.close()


def test_post_that_fells_gateways_is_given_up(
    start_nginx: Callable[..., str], names: "Names", serve: Callable[..., Any], dead_address: str
) -> None:
    """Of four gateways that each end under a photo at most two are asked, and its sender hears an honest error."""
    names.addresses = [f"127.0.0.{number}" for number in (2, 3, 4, 5)]
    with contextlib.ExitStack() as gateways:
        first = gateways.enter_context(dying_server("127.0.0.2", 0))
        port = first.port
        others = [gateways.enter_context(dying_server(host, port)) for host in names.addresses[1:]]
        site = start_nginx(gateway=f"gateway.test:{port}", serving=dead_address, resolver=names.server)
        reply = httpx.post(f"{site}/api/v1/predict_breed", content=b"photo", timeout=60)
        assert sum(len(deaths) for deaths in (first, *others)) == 2
    assert (reply.status_code, reply.json()["code"]) == (502, "given_up")


def test_post_passes_over_gateways_that_are_gone(
    start_nginx: Callable[..., str], names: "Names", serve: Callable[..., Any], dead_address: str
) -> None:
    """A photo finds the one gateway that lives, though three more of the name cannot be reached."""
    app = Starlette(routes=[Route("/api/photo", lambda request: PlainTextResponse("answer"), methods=["POST"])])
    names.addresses = [f"127.0.0.{number}" for number in (2, 3, 4, 5)]
    with serve(app, "127.0.0.2") as living:
        port = int(living.split(":")[1])
        site = start_nginx(gateway=f"gateway.test:{port}", serving=dead_address, resolver=names.server)
        for _ in range(20):
            assert httpx.post(f"{site}/api/photo", content=b"photo", timeout=60).text == "answer"


def test_call_serving_asks_for_the_key(start_nginx: Callable[..., str], gateway: Any) -> None:
    """TensorFlow Serving's API behind nginx asks for the gateway's key, with the gateway's own answer."""
    site = start_nginx(gateway=gateway.address, serving=gateway.address)
    gateway.key = "a-key-that-is-long-1"
    calls: list[tuple[str, str, dict[str, Any]]] = [
        ("POST", "/v1/models/dog_breed/versions/3:predict", {"json": {"signature_name": "describe", "inputs": [""]}}),
        ("GET", "/v1/models/dog_breed", {}),
    ]
    for method, path, body in calls:
        for headers in ({}, {"X-API-Key": "wrong"}):
            refused = httpx.request(method, site + path, headers=headers, **body)
            assert (refused.status_code, refused.json()["code"]) == (401, "unauthorized")
            assert refused.headers.get_list("www-authenticate") == ['Bearer realm="dog breed detector"']
            assert refused.headers.get_list("x-frame-options") == ["DENY"]
        assert not gateway.requests
        assert httpx.request(method, site + path, headers={"X-API-Key": gateway.key}, **body).status_code == 200
        gateway.requests.clear()


def test_call_serving_with_the_gateway_down_is_not_let_through(
    start_nginx: Callable[..., str], gateway: Any, dead_address: str
) -> None:
    """Without the gateway nobody knows who may call, and nobody does."""
    reply = httpx.get(start_nginx(gateway=dead_address, serving=gateway.address) + "/v1/models/dog_breed")
    assert (reply.status_code, reply.json()["code"]) == (503, "gateway_unavailable")
    assert not gateway.requests


@pytest.mark.parametrize("path", ["/readyz", "/openapi.json"])
def test_probe_too_often_returns_problem(site: str, path: str) -> None:
    """Calls that cost the gateway work and need no key have a rate of their own for each address."""
    with httpx.Client() as client:
        replies = [client.get(site + path) for _ in range(100)]
    assert replies[0].status_code != 429
    refused = next(reply for reply in replies if reply.status_code == 429)
    assert refused.json()["code"] == "too_many_requests"


def test_get_folder_redirects_within_the_site(site: str) -> None:
    """A redirection names no host: it would be the one that the caller named."""
    reply = httpx.get(f"{site}/js", headers={"Host": "elsewhere.example"})
    assert (reply.status_code, reply.headers["location"]) == (301, "/js/")


def test_connect_with_thousands_of_half_sent_heads_shuts_nobody_out(site: str) -> None:
    """While one address holds 2,000 connections with half a head each, another is answered at once."""
    host, port = site.removeprefix("http://").split(":")
    with contextlib.ExitStack() as connections:
        for _ in range(2000):
            connection = connections.enter_context(socket.create_connection((host, int(port)), timeout=5))
            connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ")
        transport = httpx.HTTPTransport(local_address="127.0.0.2")
        with httpx.Client(transport=transport, timeout=5) as client:
            for path in ("/", "/api/echo"):
                assert client.get(site + path).status_code == 200


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """The models' folder of the site, with a live version and one on the shelf."""
    write_versions(tmp_path / "models" / "dog_breed")
    return tmp_path / "models"


def test_get_file_for_devices_is_kept_for_good(site: str, models: Path, gateway: Any) -> None:
    """The one file comes whole, in part, as a head alone or not again, with no key and without asking the gateway."""
    gateway.key = "a-key-that-is-long-1"
    url = f"{site}/models/dog_breed/1/on_device.tflite"
    whole = require_kept_for_good(url)
    assert "content-encoding" not in whole.headers
    assert whole.headers.get_list("x-content-type-options") == ["nosniff"]
    assert httpx.post(url).status_code == 405
    assert not gateway.requests


@pytest.mark.parametrize("path", [*PATHS_NOT_SERVED, "dog_breed/1/on_device.tflite/"])
def test_get_anything_else_of_a_model_is_404(site: str, models: Path, path: str) -> None:
    """No card, no weights, no folder, no version that is not served, and no way round; and no 404 is kept for good."""
    hidden = models / ".hidden" / "1" / "assets.extra"
    hidden.mkdir(parents=True)
    (hidden / "on_device.tflite").write_bytes(b"no")
    reply = httpx.get(f"{site}/models/{path}")
    assert (reply.status_code, reply.headers["cache-control"]) == (404, "no-cache")
