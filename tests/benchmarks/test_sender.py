"""The sender counts what it got, and calls nothing a success that was none."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from benchmarks import sender

PHOTOS = [b"first photo", b"second photo"]


@contextmanager
def _server(answer: Callable[[int], int | None]) -> Iterator[tuple[int, list[bytes]]]:
    """Serve by a function of the request's number that gives a status, or `None` to break the connection off."""
    bodies: list[bytes] = []
    numbers = itertools.count()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            status = answer(next(numbers))
            if status is None:
                self.close_connection = True
                return
            self.send_response(status)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port, bodies
        finally:
            server.shutdown()
            thread.join()


def test_run_sends_photos_in_turn_and_counts_answers() -> None:
    """Each client sends one photo after the other, and every answer is counted and timed."""
    with _server(lambda number: 200) as (port, bodies):
        result = sender.run(port, PHOTOS, 1, 0.2)

    assert result.ok == len(result.latencies) == len(bodies) > 0
    assert result.failed == 0
    assert result.rate == result.ok / result.seconds
    assert all(PHOTOS[number % 2] in body for number, body in enumerate(bodies))


def test_run_counts_refusals_and_broken_connections_as_failed() -> None:
    """One answer in three is a success when the others are a refusal and a connection that breaks off."""
    with _server(lambda number: (200, 503, None)[number % 3]) as (port, bodies):
        result = sender.run(port, PHOTOS, 1, 0.2)

    assert result.ok == len(result.latencies) == len(bodies[::3])
    assert result.ok + result.failed == len(bodies)


def test_run_counts_a_server_that_is_not_there_as_failed() -> None:
    """Nothing is answered where nobody listens."""
    with _server(lambda number: 200) as (port, _):
        pass
    result = sender.run(port, PHOTOS, 2, 0.05)

    assert result.ok == 0
    assert result.failed > 0
