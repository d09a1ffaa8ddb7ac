"""The name of a photo's file, as its sender called it: only ever sent back to that sender."""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

from python_multipart.multipart import parse_options_header

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
