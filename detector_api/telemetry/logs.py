"""Log lines on stdout, as JSON objects for machines or as text for people, each under its request's id."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal

from detector_api.telemetry.record import current_record

Format = Literal["json", "text"]


class JsonFormatter(logging.Formatter):
    """One JSON object a line; arguments that a message names are members of their own."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a log record, whatever line breaks its parts have."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if request_id := current_record().request_id:
            line["request_id"] = request_id
        if isinstance(record.args, Mapping):
            line |= {name: value for name, value in record.args.items() if value is not None}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


class TextFormatter(logging.Formatter):
    """Time, level and message, and the request's id if there is a request."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        """Return the line of a log record, without the traceback that may follow it."""
        request_id = current_record().request_id
        return super().formatMessage(record) + (f" [{request_id}]" if request_id else "")


def configuration(log_format: Format) -> dict[str, Any]:
    """Return the `logging.config.dictConfig` under which this package and uvicorn write lines of a format."""
    formatter = JsonFormatter if log_format == "json" else TextFormatter
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": formatter}},
        "handlers": {"stdout": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout", "formatter": "line"}},
        "root": {"level": "WARNING", "handlers": ["stdout"]},
        "loggers": {
            "detector_api": {"level": "INFO"},
            "uvicorn": {"level": "INFO"},
            # Of a malformed body it would quote the caller's bytes; the gateway says itself that there was one.
            "python_multipart": {"level": "CRITICAL"},
        },
    }
