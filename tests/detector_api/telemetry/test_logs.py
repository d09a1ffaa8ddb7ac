"""The lines as they leave the process."""

from __future__ import annotations

import contextvars
import io
import json
import logging
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from detector_api.telemetry.logs import JsonFormatter, TextFormatter
from detector_api.telemetry.record import begin_record


@pytest.fixture
def written() -> Iterator[Callable[[logging.Formatter], tuple[logging.Logger, io.StringIO]]]:
    """Return a function that gives a logger and what it writes by a formatter."""
    logger = logging.getLogger(__name__)

    def open_log(formatter: logging.Formatter) -> tuple[logging.Logger, io.StringIO]:
        handler = logging.StreamHandler(io.StringIO())
        handler.setFormatter(formatter)
        logger.addHandler(handler)
        return logger, handler.stream

    yield open_log
    logger.handlers.clear()


def test_json_line_of_a_hostile_message_is_one_object(written: Any) -> None:
    """Line breaks, quotes and tracebacks stay within the one line, and named arguments are members."""
    logger, stream = written(JsonFormatter())
    try:
        raise ValueError("first\nsecond")
    except ValueError:
        logger.exception('%(what)s "quoted"\nbroken', {"what": "a\r\nb", "none": None})
    (line,) = stream.getvalue().splitlines()
    fields = json.loads(line)
    assert fields["message"] == 'a\r\nb "quoted"\nbroken'
    assert fields["what"] == "a\r\nb"
    assert "none" not in fields
    assert "ValueError: first\nsecond" in fields["exception"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", fields["time"])


def test_text_line_has_time_level_message_and_request(written: Any) -> None:
    """A person reads when, how bad, what, and of which request."""
    logger, stream = written(TextFormatter())
    logger.warning("%(what)s happened", {"what": "this"})
    contextvars.copy_context().run(lambda: (begin_record(b"abc-1"), logger.warning("that")))
    first, second = stream.getvalue().splitlines()
    assert re.fullmatch(r"[\d :,-]+ WARNING this happened", first)
    assert second.endswith(" WARNING that [abc-1]")


def test_run_gateway_with_json_logs_writes_nothing_else(serving: Any, photo: bytes) -> None:
    """From start to stop every line of the process, uvicorn's too, is a JSON object; a request is exactly one."""
    environment = os.environ | {
        "DETECTOR_PORT": "0",
        "DETECTOR_LOG_FORMAT": "json",
        "DETECTOR_SERVING_ADDRESS": serving.address,
    }
    command = [sys.executable, "-m", "detector_api"]
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, bufsize=1
    )
    lines: list[str] = []
    assert process.stdout
    for line in process.stdout:
        lines.append(line)
        if found := re.search(r"http://[\d.:]+", line):
            break
    with httpx.Client(base_url=found[0], timeout=20, headers={"X-Request-ID": "abc-1"}) as client:
        assert client.post("/api/v1/predict_breed", files={"dog_image": photo}).status_code == 200
        headers = {"content-type": "multipart/form-data; boundary=b"}
        assert client.post("/api/v1/predict_breed", content=b"--broken", headers=headers).status_code == 400
        serving.stop()  # gRPC has something to say of that
        assert client.post("/api/v1/predict_breed", files={"dog_image": photo}).status_code == 503
    process.send_signal(signal.SIGINT)
    lines += process.communicate(timeout=20)[0].splitlines()
    fields = [json.loads(line) for line in lines]
    assert {"uvicorn.error", "detector_api.telemetry.middleware"} == {one["logger"] for one in fields}
    assert [one["status"] for one in fields if one.get("request_id") == "abc-1"] == [200, 400, 503]
