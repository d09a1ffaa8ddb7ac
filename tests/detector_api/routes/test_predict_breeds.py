"""POST /api/v1/predict_breeds: a line for each of many photos, and nothing that spoils more than its own."""

from __future__ import annotations

import contextlib
import gc
import io
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from detector_api.http.multipart import PhotoCollector, Upload

URL = "/api/v1/predict_breeds"
BOUNDARY = {"content-type": "multipart/form-data; boundary=b"}
DEADLINE_SECONDS = 60


def png(brightness: float = 0.5) -> bytes:
    """A photo of 8x8 pixels whose mean is this, 0..1, to a hundred-thousandth."""
    total = round(brightness * 255 * 192)
    pixels = np.full(192, total // 192, np.uint8)
    pixels[: total % 192] += 1
    buffer = io.BytesIO()
    Image.fromarray(pixels.reshape(8, 8, 3)).save(buffer, "PNG")
    return buffer.getvalue()


def part(content: bytes, name: str = "dog.png") -> bytes:
    head = f'--b\r\nContent-Disposition: form-data; name="dog_image"; filename="{name}"\r\n\r\n'
    return head.encode() + content + b"\r\n"


def read_lines(response: httpx.Response) -> list[dict[str, Any]]:
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/x-ndjson"
    return [json.loads(line) for line in response.text.splitlines()]


def eventually(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def test_predict_breeds_answers_each_photo_as_predict_breed_does(gateway: Any, photo: bytes) -> None:
    """Each photo gets one line, with its place, its name and the prediction that it gets alone; a bad one its error."""
    files = [
        ("dog_image", ("a.png", photo)),
        ("image", ("b.jpg", b"a letter")),
        ("cat_image", ("c.png", photo)),
        ("dog_image", ("d.png", photo[:60])),
        ("file", ("Zoë.png", photo)),
        ("file", ("empty.png", b"")),
    ]
    lines = read_lines(gateway.post(URL, params={"top_k": 2, "explain": True}, files=files))
    lines.sort(key=lambda line: line["index"])
    alone = gateway.post("/api/v1/predict_breed", params={"top_k": 2, "explain": True}, files={"file": photo}).json()
    assert len(alone["predictions"]) == 2
    names = ["a.png", "b.jpg", "d.png", "Zoë.png", "empty.png"]
    assert [(line["index"], line["filename"]) for line in lines] == list(enumerate(names))
    assert lines[0]["prediction"] == lines[3]["prediction"] == alone
    kinds = ["prediction", "error", "error", "prediction", "error"]
    assert [set(line) for line in lines] == [{"index", "filename", kind} for kind in kinds]
    codes = [line["error"]["code"] for line in lines if "error" in line]
    assert codes == ["unsupported_type", "damaged_image", "empty_image"]
    assert set(lines[1]["error"]) == {"code", "title", "status", "detail", "request_id"}


def test_predict_breeds_of_a_thousand_photos_gives_each_its_own_answer(gateway: Any, serving: Any) -> None:
    """A thousand different photos in one request have a thousand lines, each with what the model saw in that photo."""
    serving.card["crop"] = 1.0
    files = [("dog_image", (f"{number}.png", png(number / 1000))) for number in range(1000)]
    lines = read_lines(gateway.post(URL, params={"explain": True}, files=files, timeout=DEADLINE_SECONDS * 2))
    assert sorted(line["index"] for line in lines) == list(range(1000))
    for line in lines:
        assert line["filename"] == f"{line['index']}.png"
        assert line["prediction"]["heatmap"][1][0] == line["index"] / 1000


def test_predict_breeds_answers_one_while_the_next_is_not_sent(gateway: Any) -> None:
    """The line of a photo comes as soon as it is done, though the body has not ended."""
    first, rest = part(png(), "a.png") + b"--b\r\n", part(png(), "b.png").removeprefix(b"--b\r\n") + b"--b--\r\n"
    head = f"POST {URL} HTTP/1.1\r\nHost: x\r\nContent-Type: {BOUNDARY['content-type']}\r\n"
    head += f"Connection: close\r\nContent-Length: {len(first + rest)}\r\n\r\n"
    address = (gateway.base_url.host, gateway.base_url.port)
    with socket.create_connection(address, timeout=DEADLINE_SECONDS) as connection:
        connection.sendall(head.encode() + first)
        received = b""
        while b'"index":0' not in received:
            piece = connection.recv(65536)
            assert piece
            received += piece
        connection.sendall(rest)
        while piece := connection.recv(65536):
            received += piece
    assert received.count(b'"index":1,"filename":"b.png","prediction"') == 1


def test_predict_breeds_of_a_client_that_leaves_stops_the_work(gateway: Any, serving: Any, photo: bytes) -> None:
    """Waiting photos of a client that went away are not asked of the server any more."""
    gateway.post("/api/v1/predict_breed", files={"file": photo})  # from here on the card is known
    serving.released.clear()
    before = len(serving.requests)
    body = part(photo) * 200
    head = (
        f"POST {URL} HTTP/1.1\r\nHost: x\r\nContent-Type: {BOUNDARY['content-type']}\r\nContent-Length: 999999\r\n\r\n"
    )
    with socket.create_connection((gateway.base_url.host, gateway.base_url.port)) as connection:
        connection.sendall(head.encode() + body)
        eventually(lambda: len(serving.requests) > before)
    eventually(lambda: "detector_requests_in_flight 0.0" in gateway.get("/metrics").text)
    asked = len(serving.requests)
    serving.released.set()
    assert gateway.post("/api/v1/predict_breed", files={"file": photo}).status_code == 200
    assert asked - before < 20
    assert len(serving.requests) <= asked + 1


def test_predict_breeds_of_a_client_that_never_reads_stops_the_work(
    serving: Any, start_gateway: Any, photo: bytes
) -> None:
    """A client that sent all its photos and reads no line is dropped in time, and what waits is not asked any more."""
    gateway = start_gateway(serving_address=serving.address, idle_seconds=0.4)
    gateway.post("/api/v1/predict_breed", files={"file": photo})  # from here on the card is known
    large = tf.make_tensor_proto(np.zeros((1, 300, 300), np.float32))  # a line of 360 kB
    before, answered = len(serving.requests), 40  # enough of them to fill every buffer on the way

    def hold_later_ones() -> None:
        if len(serving.requests) - before > answered:
            serving.released.clear()

    def enlarge(reply: Any) -> Any:
        if "heatmap" in reply.outputs:
            reply.outputs["heatmap"].CopyFrom(large)
        return reply

    serving.before_predict, serving.alter = hold_later_ones, enlarge
    body = part(png()) * 400 + b"--b--\r\n"
    head = f"POST {URL}?explain=true HTTP/1.1\r\nHost: x\r\nContent-Type: {BOUNDARY['content-type']}\r\n"
    head += f"Content-Length: {len(body)}\r\n\r\n"
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # before it connects: it bounds the window
        connection.connect((gateway.base_url.host, gateway.base_url.port))
        connection.sendall(head.encode() + body)
        eventually(lambda: len(serving.requests) > before)
        eventually(lambda: "detector_requests_in_flight 0.0" in gateway.get("/metrics").text)
        asked = len(serving.requests)
        serving.before_predict = lambda: None
        serving.released.set()
        assert gateway.post("/api/v1/predict_breed", files={"file": photo}).status_code == 200
    assert asked - before < answered + 20
    assert len(serving.requests) <= asked + 1


@contextlib.contextmanager
def no_garbage_collection() -> Iterator[None]:
    """Free in the block only what nothing refers to."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def held_uploads() -> list[Any]:
    return [one for one in gc.get_objects() if type(one) in (Upload, PhotoCollector)]


@pytest.mark.parametrize("ending", ["", "--b\r\nno header at all\r\n\r\n"], ids=["left", "left after a break"])
def test_predict_breeds_of_a_client_that_leaves_frees_its_photos(
    gateway: Any, serving: Any, photo: bytes, ending: str
) -> None:
    """Memory of a client that leaves is freed at once, without the garbage collector."""
    gateway.post("/api/v1/predict_breed", files={"file": photo})
    serving.released.clear()
    body = part(photo + bytes(10_000)) * 100 + ending.encode()
    head = f"POST {URL} HTTP/1.1\r\nHost: x\r\nContent-Type: {BOUNDARY['content-type']}\r\nContent-Length: 9999999\r\n"
    with no_garbage_collection():
        with socket.create_connection((gateway.base_url.host, gateway.base_url.port)) as connection:
            connection.sendall(f"{head}\r\n".encode() + body)
            eventually(lambda: len(held_uploads()) > 80)
            assert "detector_upload_bytes 0.0" not in gateway.get("/metrics").text
        eventually(lambda: "detector_requests_in_flight 0.0" in gateway.get("/metrics").text)
        assert "detector_upload_bytes 0.0" in gateway.get("/metrics").text
        serving.released.set()
        eventually(lambda: not held_uploads())


def test_predict_breeds_of_a_client_that_leaves_is_noticed_though_nothing_is_read(
    serving: Any, start_gateway: Any, photo: bytes
) -> None:
    """A client that leaves while its photos fill the buffer is noticed before they are answered."""
    gateway = start_gateway(serving_address=serving.address, stream_buffer_bytes=50_000)
    gateway.post("/api/v1/predict_breed", files={"file": photo})
    serving.released.clear()
    body = part(photo + bytes(10_000)) * 100
    head = f"POST {URL} HTTP/1.1\r\nHost: x\r\nContent-Type: {BOUNDARY['content-type']}\r\nContent-Length: 9999999\r\n"
    before = len(serving.requests)
    with socket.create_connection((gateway.base_url.host, gateway.base_url.port)) as connection:
        connection.sendall(f"{head}\r\n".encode() + body)
        eventually(lambda: len(serving.requests) > before)
    eventually(lambda: "detector_requests_in_flight 0.0" in gateway.get("/metrics").text)
    serving.released.set()


def test_predict_breeds_shares_memory_with_single_photos(serving: Any, start_gateway: Any, photo: bytes) -> None:
    """While streams hold all memory a photo sent alone is refused; a stream waits for it, and gets all its lines."""
    gateway = start_gateway(
        serving_address=serving.address, max_buffered_bytes=4_000_000, max_upload_bytes=1_000_000, min_in_flight=1
    )
    gateway.post("/api/v1/predict_breed", files={"file": photo})
    serving.released.clear()
    body = part(photo + bytes(100_000)) * 60 + b"--b--\r\n"

    def stream(address: str) -> list[dict[str, Any]]:
        return read_lines(gateway.post(URL, content=body, headers=BOUNDARY | {"X-Forwarded-For": address}))

    with ThreadPoolExecutor(3) as callers:
        streams = [callers.submit(stream, f"192.0.2.{number}") for number in range(3)]
        eventually(lambda: _held_bytes(gateway) > 3_400_000)
        refused = gateway.post("/api/v1/predict_breed", files={"file": photo + bytes(900_000)})
        assert (refused.status_code, refused.json()["code"]) == (503, "overloaded")
        assert _held_bytes(gateway) <= 4_000_000
        serving.released.set()
        assert all("prediction" in line for answered in streams for line in answered.result())
    eventually(lambda: _held_bytes(gateway) == 0)


def _held_bytes(gateway: Any) -> float:
    found = re.search(r"^detector_upload_bytes (\S+)$", gateway.get("/metrics").text, re.MULTILINE)
    assert found
    return float(found[1])


def test_predict_breeds_with_one_photo_too_large_answers_the_others(serving: Any, start_gateway: Any) -> None:
    """A photo above the limit of one photo is refused in its line, and the rest of the body is read."""
    gateway = start_gateway(serving_address=serving.address, max_upload_bytes=50_000)
    files = [("file", ("a.png", png())), ("file", ("b.png", png() + bytes(200_000))), ("file", ("c.png", png()))]
    lines = {line["filename"]: line for line in read_lines(gateway.post(URL, files=files))}
    assert lines["b.png"]["error"]["code"] == "too_large"
    assert {"prediction"} < set(lines["a.png"]) & set(lines["c.png"])


BROKEN: dict[str, tuple[bytes, dict[str, Any], str]] = {
    "torn": (part(png()) * 2 + b"--b\r\nno header at all\r\n\r\n", {}, "no_image"),
    "cut off": (part(png()) * 2 + part(png())[:-20], {}, "no_image"),
    "too many": (part(png()) * 3 + b"--b--\r\n", {"max_photos": 2}, "too_large"),
    "too many bytes": (part(png()) * 2 + part(bytes(400_000)), {"max_stream_bytes": 300_000}, "too_large"),
    "too many fields": (part(png()) * 2 + b"--b\r\nX: y\r\n\r\nz\r\n--b\r\n\r\n", {"max_other_parts": 0}, "too_large"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_predict_breeds_of_a_body_that_breaks_ends_with_its_error(serving: Any, start_gateway: Any, case: str) -> None:
    """Photos before the break are answered; the last line tells what is wrong with the rest."""
    body, settings, code = BROKEN[case]
    gateway = start_gateway(serving_address=serving.address, **settings)
    pieces = (body[start : start + 100_000] for start in range(0, len(body), 100_000))
    *lines, last = read_lines(gateway.post(URL, content=pieces, headers=BOUNDARY))
    assert sorted(line["index"] for line in lines) == [0, 1]
    assert all("prediction" in line for line in lines)
    assert (last["index"], last["filename"], last["error"]["code"]) == (None, None, code)


def test_predict_breeds_of_a_client_that_stops_ends_with_408(serving: Any, start_gateway: Any) -> None:
    """A client that sends no more gets the lines of what it sent, and a last one that tells why there are no more."""
    gateway = start_gateway(serving_address=serving.address, idle_seconds=0.4)
    head = f"POST {URL} HTTP/1.1\r\nHost: x\r\nContent-Type: {BOUNDARY['content-type']}\r\n"
    head += "Content-Length: 9999\r\nConnection: close\r\n\r\n"
    address = (gateway.base_url.host, gateway.base_url.port)
    with socket.create_connection(address, timeout=DEADLINE_SECONDS) as connection:
        connection.sendall(head.encode() + part(png()) + part(png()))
        received = b"".join(iter(lambda: connection.recv(65536), b""))
    assert received.count(b'"prediction"') == 1  # the second photo's end was not seen
    assert received.count(b'"index":null,"filename":null,"error":{"code":"request_timeout"') == 1


BEFORE: dict[str, tuple[dict[str, Any], int, str]] = {
    "no multipart": ({"json": {}}, 400, "no_image"),
    "no photo": ({"files": {"cat_image": b"x"}}, 400, "no_image"),
    "announced too large": ({"content": bytes(400_000), "headers": BOUNDARY}, 413, "too_large"),
    "bad query": ({"params": {"top_k": 9}, "files": {"file": b"x"}}, 422, "invalid_request"),
}


@pytest.mark.parametrize("case", BEFORE)
def test_predict_breeds_without_a_first_photo_is_a_problem(start_gateway: Any, case: str) -> None:
    """A fault before the first photo is an ordinary error."""
    request, status, code = BEFORE[case]
    response = start_gateway(serving_address="127.0.0.1:1", max_stream_bytes=300_000).post(URL, **request)
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert response.headers["content-type"] == "application/problem+json"


def test_predict_breeds_leaves_one_log_line(gateway: Any, serving: Any, log_lines: Any, photo: bytes) -> None:
    """The log has one line a request, with how many photos it had and how many failed, and no file's name."""
    gateway.post(URL, files=[("file", ("secret.png", photo)), ("file", ("secret.png", b"x")), ("file", ("s", photo))])
    (line,) = log_lines()
    assert (line["photos"], line["photos_failed"], line["model_version"]) == (3, 1, 3)
    assert "secret" not in json.dumps(line)
    metrics = gateway.get("/metrics").text
    assert "detector_predict_seconds_count 2.0" in metrics


def test_predict_breeds_of_many_large_photos_holds_few(serving: Any) -> None:
    """While the server is slow the gateway reads on only as fast as photos are answered: its memory stays bounded."""
    serving.before_predict = lambda: time.sleep(0.05)
    count, size = 200, 2_000_000
    large = part(png() + bytes(size))
    listener = socket.create_server(("127.0.0.1", 0))
    host, port = listener.getsockname()
    listener.close()
    environment = os.environ | {"DETECTOR_PORT": str(port), "DETECTOR_SERVING_ADDRESS": serving.address}
    with subprocess.Popen(
        [sys.executable, "-m", "detector_api"], env=environment, stdout=subprocess.DEVNULL
    ) as process:
        try:
            with httpx.Client(base_url=f"http://{host}:{port}", timeout=DEADLINE_SECONDS) as client:
                eventually(lambda: _is_up(client))
                read_lines(client.post(URL, content=large + b"--b--\r\n", headers=BOUNDARY))
                rss = [_resident_bytes(process.pid)]
                done = threading.Event()

                def watch() -> None:
                    while not done.wait(0.01):
                        rss.append(_resident_bytes(process.pid))

                watcher = threading.Thread(target=watch)
                watcher.start()
                body = (large if number < count else b"--b--\r\n" for number in range(count + 1))
                lines = read_lines(client.post(URL, content=body, headers=BOUNDARY))
                done.set()
                watcher.join()
        finally:
            process.terminate()
    assert sum("prediction" in line for line in lines) == count
    assert max(rss) - rss[0] < count * size / 4, [value >> 20 for value in rss]


def _is_up(client: httpx.Client) -> bool:
    try:
        return client.get("/readyz").status_code == 200
    except httpx.TransportError:
        return False


def _resident_bytes(pid: int) -> int:
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found
    return int(found[1]) * 1024
