"""Configuration files are read, or refused with the place of the mistake."""

from __future__ import annotations

import logging

import pytest

from local_server.config import text_format
from local_server.config.protos import MonitoringConfig
from local_server.errors import InvalidArgumentError, NotFoundError


def test_read_file_fills_message(tmp_path):
    """A file in text format, comments and all, becomes a message."""
    file = tmp_path / "monitoring.txt"
    file.write_text('# metrics\nprometheus_config: { enable: true path: "/metrics" }\n')
    config = text_format.read(file, MonitoringConfig())
    assert (config.prometheus_config.enable, config.prometheus_config.path) == (True, "/metrics")


def test_read_wrong_text_tells_line_and_column(tmp_path, caplog):
    """A syntax error is logged with its place; the error names the file."""
    file = tmp_path / "wrong.txt"
    file.write_text("prometheus_config {\n  enabled: true\n}\n")
    with caplog.at_level(logging.ERROR), pytest.raises(InvalidArgumentError) as error:
        text_format.read(file, MonitoringConfig())
    assert str(error.value) == f"INVALID_ARGUMENT: Invalid protobuf file: '{file}'"
    assert "Error parsing text-format tensorflow.serving.MonitoringConfig: 2:3: " in caplog.text
    assert '"enabled"' in caplog.text


def test_read_binary_file_is_refused(tmp_path):
    """Bytes that are no text are an invalid file, not a crash."""
    file = tmp_path / "binary"
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(InvalidArgumentError, match="Invalid protobuf file"):
        text_format.read(file, MonitoringConfig())


def test_read_missing_file_is_not_found(tmp_path):
    """A file that is not there is named, with the system's reason."""
    with pytest.raises(NotFoundError, match="No such file or directory"):
        text_format.read(tmp_path / "none", MonitoringConfig())
