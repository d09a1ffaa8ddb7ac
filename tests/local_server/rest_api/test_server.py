"""HTTP itself: callers of other origins, and the number of calls at once."""

from __future__ import annotations

import socket
import threading
import time
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from pathlib import Path

import grpc
import httpx
import pytest

from local_server.rest_api.server import RestServer
from local_server.system import bind

PATH = "/v1/models/gadgets"


@pytest.fixture
def open_client(models, run_server, tmp_path):
    """A client of a server with --rest_api_enable_cors_support."""
    models.install(tmp_path)
    return run_server(tmp_path, rest_api_enable_cors_support=True)


def test_cors_switched_on_lets_other_origins_in(open_client):
    """Answers and errors carry the headers, and a browser's question before a call is answered."""
    for response in (open_client.get(PATH), open_client.get("/v1/models/foo")):
        assert response.headers["access-control-allow-origin"] == "*"
        assert response.headers["access-control-allow-methods"] == "POST, GET"
        assert response.headers["access-control-allow-headers"] == "Content-Type"
    url = open_client.rest_url + PATH + ":predict"
    allowed = httpx.options(url, headers={"Origin": "https://example.org"})
    assert (allowed.status_code, allowed.headers["access-control-allow-origin"]) == (200, "*")
    assert httpx.options(url).status_code == 400


def test_cors_switched_off_sends_no_headers(client):
    """Without the flag browsers keep pages of other origins out."""
    assert "access-control-allow-origin" not in client.get(PATH).headers
    response = httpx.options(client.rest_url + PATH, headers={"Origin": "https://example.org"})
    assert (response.status_code, response.content) == (200, b"")
    assert "access-control-allow-origin" not in response.headers
    assert httpx.options(client.rest_url + PATH).status_code == 400


def test_request_outside_the_api_gets_the_page_of_libevent(client):
    """Methods and paths that TensorFlow Serving's HTTP server does not know get its pages, in HTML."""
    for method, path, title in (("TRACE", PATH, "501 Not Implemented"), ("POST", "/v2/models", "404 Not Found")):
        response = httpx.request(method, client.rest_url + path)
        assert response.headers["content-type"] == "text/html"
        assert f"{response.status_code} {response.reason_phrase}" == title
        assert f"<TITLE>{title}</TITLE>" in response.text


def test_post_body_past_the_limit_is_refused(models, run_server, tmp_path):
    """A body larger than --rest_api_max_body_bytes is 413, whether its length is told before or not."""
    models.install(tmp_path)
    client = run_server(tmp_path, rest_api_max_body_bytes=1000)
    assert client.post(b'{"instances": [1]}'.ljust(1000)).json() == {"predictions": [2.5]}
    for body in (b" " * 1001, iter([b" " * 600] * 2)):
        response = httpx.post(f"{client.rest_url}{PATH}:predict", content=body)
        assert (response.status_code, response.json()) == (
            413,
            {"error": "The request's body is larger than 1000 bytes"},
        )


def test_serve_every_address_includes_ipv6(models, run_server, tmp_path, require):
    """Without --host both protocols answer clients of either kind of address."""
    require(socket.has_dualstack_ipv6() and Path("/proc/net/if_inet6").read_text(), "IPv6")
    models.install(tmp_path)
    client = run_server(tmp_path, host="0.0.0.0")
    rest_port = client.rest_url.rpartition(":")[2]
    for host in ("127.0.0.1", "[::1]"):
        assert httpx.get(f"http://{host}:{rest_port}{PATH}").status_code == 200
        with grpc.insecure_channel(f"{host}:{client.grpc_target.rpartition(':')[2]}") as channel:
            grpc.channel_ready_future(channel).result(60)


def test_post_past_the_limit_answers_503_at_once(models, run_server, gate, eventually, tmp_path):
    """While as many requests as may wait do so for the only thread, another is refused; then each has its answer."""
    models.install(tmp_path)
    before = set(threading.enumerate())
    client = run_server(tmp_path, rest_api_num_threads=1, max_waiting_requests=2)
    body = {"signature_name": "content_of", "inputs": str(gate.path)}
    with ThreadPoolExecutor(4) as pool:
        answers = [pool.submit(client.post, body) for _ in range(4)]
        done, waiting = wait(answers, return_when=FIRST_COMPLETED)
        threads = {thread.name for thread in set(threading.enumerate()) - before}
        gate.open("done")
    assert [(answer.result().status_code, answer.result().json()) for answer in done] == [
        (503, {"error": "The server is overloaded: 3 requests are not answered yet"})
    ]
    assert [answer.result().json() for answer in waiting] == [{"outputs": ["done"]}] * 3
    assert sum(name.startswith("rest_") for name in threads) == 1


class Clerk:
    """A stand-in for the API: holds every request, and notes when each came."""

    def __init__(self):
        self.arrivals = []
        self.gate = threading.Event()

    def answer(self, method, path, body, arrival):
        """Answer as soon as the gate is open."""
        self.arrivals.append(arrival)
        assert self.gate.wait(60)
        return 200, "{}"


def test_time_counts_from_arrival_and_questions_are_let_in_past_the_limit(eventually, free_port):
    """A request that waits for a thread has come when it came; whoever asks after a busy server's health is let in."""
    clerk = Clerk()
    server = RestServer(clerk, bind("127.0.0.1", free_port), 1, 1, 100, 60, metrics_path=None, allow_cors=False)
    server.start()
    try:
        with ThreadPoolExecutor(2) as pool:
            url = f"http://127.0.0.1:{free_port}{PATH}"
            answers = [pool.submit(httpx.request, "POST", url, timeout=60)]
            eventually(lambda: bool(clerk.arrivals))
            answers.append(pool.submit(httpx.request, "GET", url, timeout=60))
            eventually(lambda: server._requests == 2)
            opened = time.monotonic()
            clerk.gate.set()
        assert [answer.result().status_code for answer in answers] == [200, 200]
        assert clerk.arrivals[1] < opened
    finally:
        clerk.gate.set()
        server.stop()
