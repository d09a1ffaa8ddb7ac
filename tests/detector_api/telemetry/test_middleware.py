"""Each request has one id and one log line, and the line holds nothing of the caller's."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

URL = "/api/v1/predict_breed"
LogLines = Callable[..., list[dict[str, Any]]]


def test_request_with_a_well_formed_id_keeps_it(gateway: Any, log_lines: LogLines) -> None:
    """The caller's id comes back in the header and the problem, and is in the log."""
    response = gateway.get("/api/v1/nothing", headers={"X-Request-ID": "Rex_1.a-b"})
    assert response.headers.get_list("x-request-id") == ["Rex_1.a-b"]
    assert response.json()["request_id"] == "Rex_1.a-b"
    assert log_lines()[0]["request_id"] == "Rex_1.a-b"


@pytest.mark.parametrize("proposed", ["", "a b", "a" * 65, 'a"b', "a\tb", b"caf\xe9"])
def test_request_with_another_id_gets_a_fresh_one(gateway: Any, proposed: Any) -> None:
    """An id that could break a log line or a header is not taken over, and no two made ones are equal."""
    made = [gateway.get("/livez", headers={"X-Request-ID": proposed}).headers["x-request-id"] for _ in range(2)]
    assert all(re.fullmatch("[0-9a-f]{32}", one) for one in made)
    assert made[0] != made[1]


def test_request_answered_is_one_line_with_its_figures(gateway: Any, photo: bytes, log_lines: LogLines) -> None:
    """The line says what was asked, how it ended, how long each part took, and which version answered."""
    response = gateway.post(URL, files={"dog_image": photo})
    (line,) = log_lines()
    assert (line["method"], line["route"], line["status"], line["model_version"]) == ("POST", URL, 200, 3)
    assert line["bytes_in"] > len(photo)
    assert line["bytes_out"] == len(response.content)
    assert 0 < line["decode_ms"] + line["predict_ms"] < line["duration_ms"]
    assert line["level"] == "INFO"
    assert "code" not in line


SECRET = "rex-at-home"


@pytest.mark.parametrize(
    ("path", "photo_bytes", "status"),
    [
        (URL, None, 200),
        (URL, f"GIF89a{SECRET}".encode(), 422),
        (URL, SECRET.encode(), 415),
        (f"/api/v1/{SECRET}", None, 404),
    ],
)
def test_request_leaves_nothing_of_the_caller_in_the_log(
    gateway: Any, photo: bytes, log_lines: LogLines, path: str, photo_bytes: bytes | None, status: int
) -> None:
    """Photo, file name, query and path as sent are in no line, and a hostile file name makes no second line."""
    name = f'{SECRET}.jpg\n{{"level": "ERROR"}}\r\n"; x="'
    files = {"dog_image": (name, photo_bytes or photo, f"image/{SECRET}")}
    headers = {"user-agent": SECRET, "referer": f"http://{SECRET}/"}
    assert gateway.post(path, params={SECRET: SECRET}, files=files, headers=headers).status_code == status
    gateway.get("/api/v1/model", headers={"X-Request-ID": "the-next"})
    lines = log_lines(2)
    assert lines[1]["request_id"] == "the-next"
    assert SECRET not in str(lines)


def test_request_that_fails_is_one_warning_with_the_reason(
    start_gateway: Any, photo: bytes, log_lines: LogLines
) -> None:
    """Details that the caller is not told are in the log, under the id that the caller has."""
    gateway = start_gateway(serving_address="127.0.0.1:1")
    problem = gateway.post(URL, files={"dog_image": photo}).json()
    (line,) = log_lines()
    assert (line["level"], line["code"], line["request_id"]) == ("WARNING", problem["code"], problem["request_id"])
    assert "UNAVAILABLE" in line["reason"]
    assert line["retries"] > 0


def test_probe_is_logged_only_when_it_fails(start_gateway: Any, log_lines: LogLines) -> None:
    """Probes come every few seconds: that all is well is no news."""
    gateway = start_gateway(serving_address="127.0.0.1:1")
    for path in ("/livez", "/metrics", "/readyz"):
        gateway.get(path)
    (line,) = log_lines()
    assert (line["route"], line["status"]) == ("/readyz", 503)
