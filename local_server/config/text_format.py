"""Configuration files in the text format of protocol buffers."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TypeVar

from google.protobuf import message
from google.protobuf import text_format as protobuf_text

from local_server.errors import InvalidArgumentError, NotFoundError

_Message = TypeVar("_Message", bound=message.Message)

_log = logging.getLogger(__name__)


def read(file: str | Path, into: _Message) -> _Message:
    """Fill a message from a file and return it; log syntax errors with their place, as TensorFlow Serving does.

    Raises NotFoundError if the file cannot be read, InvalidArgumentError if it does not hold such a message.
    """
    try:
        text = Path(file).read_text()
    except OSError as error:
        raise NotFoundError(f"{file}; {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InvalidArgumentError(f"Invalid protobuf file: '{file}'") from error
    try:
        return protobuf_text.Parse(text, into)
    except protobuf_text.ParseError as error:
        position, _, reason = str(error).partition(" : ")
        _log.error("Error parsing text-format %s: %s: %s", into.DESCRIPTOR.full_name, position, reason)
        raise InvalidArgumentError(f"Invalid protobuf file: '{file}'") from error
