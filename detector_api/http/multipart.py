"""Parts of a multipart/form-data body: the photos among them, and the file names that their senders gave them.

A file name is only ever sent back to its sender.
"""

from __future__ import annotations

import io
import re
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from python_multipart.multipart import parse_options_header

from detector_api.errors import TooLargeError

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

# The original's name of the field, and what other clients call it.
FIELDS = ("dog_image", "image", "file")


@dataclass(frozen=True, slots=True)
class Upload:
    """A photo as it was sent. `content` is None if it alone was above `max_upload_bytes`, and was not kept."""

    filename: str
    content: bytes | None


# As long as a file system lets a name be.
MAX_CHARACTERS = 255

# RFC 5987's `filename*=UTF-8''na%C3%AFve.jpg`, which some clients send though RFC 7578 does not want it.
_EXTENDED = re.compile(rb";\s*filename\*\s*=\s*\"?utf-8'[^']*'([^;\"\s]*)", re.IGNORECASE)
# Control characters could garble a terminal.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def read_filename(disposition: bytes) -> str:
    """Return the file name of a Content-Disposition, "" if it has none; what is no text is replaced by U+FFFD."""
    if extended := _EXTENDED.search(disposition):
        raw = unquote_to_bytes(extended[1])
    else:
        raw = parse_options_header(disposition)[1].get(b"filename", b"")
    # Browsers write a name's own quotation marks and line breaks like this.
    for escaped, character in ((b"%22", b'"'), (b"%0D", b"\r"), (b"%0A", b"\n")):
        raw = raw.replace(escaped, character)
    return _CONTROL.sub("\ufffd", raw.decode("utf-8", "replace"))[:MAX_CHARACTERS]


class PhotoCollector:
    """Collector of the photos of a body; `uploads` fills with the complete ones.

    `kept_bytes` counts the bytes of photos, complete or not, that were not dropped; whoever takes an upload has them.
    """

    def __init__(self, max_photo_bytes: int, max_other_parts: int) -> None:
        self.uploads: deque[Upload] = deque()
        self.has_ended = False
        self.kept_bytes = 0
        self._max_photo_bytes = max_photo_bytes
        self._other_parts_left = max_other_parts

    def callbacks(self) -> MultipartCallbacks:
        """Return the callbacks for the parser; kept here, they would keep this and its photos from being freed."""
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._add_to_name,
            "on_header_value": self._add_to_value,
            "on_header_end": self._end_header,
            "on_headers_finished": self._end_headers,
            "on_part_data": self._add_data,
            "on_part_end": self._end,
            "on_end": self._end_body,
        }

    def _begin(self) -> None:
        self._name, self._value = bytearray(), bytearray()
        # Of bytes, and not a list of chunks: many small ones would take many times their size.
        self._data: io.BytesIO | None = io.BytesIO()
        self._is_photo, self._filename, self._type = False, "", b""

    def _add_to_name(self, chunk: bytes, start: int, end: int) -> None:
        self._name += chunk[start:end]

    def _add_to_value(self, chunk: bytes, start: int, end: int) -> None:
        self._value += chunk[start:end]

    def _end_header(self) -> None:
        if self._name.lower() == b"content-disposition":
            _, options = parse_options_header(bytes(self._value))
            self._is_photo = options.get(b"name", b"").decode("utf-8", "replace") in FIELDS
            self._filename = read_filename(bytes(self._value))
        elif self._name.lower() == b"content-type":
            self._type = bytes(self._value).strip().lower()
        self._name, self._value = bytearray(), bytearray()

    def _end_headers(self) -> None:
        if not self._is_photo:
            self._count_other_part()

    def _add_data(self, chunk: bytes, start: int, end: int) -> None:
        if not self._is_photo or self._data is None:
            return
        self._data.write(chunk[start:end])  # a slice of the whole chunk, as most are, is no copy
        self.kept_bytes += end - start
        if self._data.tell() > self._max_photo_bytes:
            self.kept_bytes -= self._data.tell()
            self._data = None

    def _end(self) -> None:
        content = None if self._data is None else self._data.getvalue()
        self._data = None
        if not self._is_photo:
            return
        if not self._filename and content is not None and _is_text(content, self._type):
            self.kept_bytes -= len(content)
            self._count_other_part()
        else:
            self.uploads.append(Upload(self._filename, content))

    def _count_other_part(self) -> None:
        if not self._other_parts_left:
            raise TooLargeError("This request has too many fields beside the photos. Please leave them out.")
        self._other_parts_left -= 1

    def _end_body(self) -> None:
        self.has_ended = True


def _is_text(content: bytes, content_type: bytes) -> bool:
    """Tell whether a part without a file's name is a text field, such as a form sent with no file chosen has."""
    if content_type.startswith(b"text/") or not content:
        return True
    try:
        return not content_type.startswith(b"image/") and "\0" not in content.decode()
    except UnicodeDecodeError:
        return False
