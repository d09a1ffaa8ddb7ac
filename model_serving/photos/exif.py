"""EXIF directories (TIFF 6.0), of which only the orientation is read."""

from __future__ import annotations

import struct

PREFIX = b"Exif\0\0"

_ORDERS = {b"II": "<", b"MM": ">"}
_ORIENTATION, _SHORT = 0x0112, 3


def orientation(data: bytes) -> int:
    """Return the orientation, 1 to 8; 1 if EXIF is damaged or tells none.

    It has to be the one number of type SHORT that the standard asks for, as in browsers.
    """
    data = data.removeprefix(PREFIX)
    order = _ORDERS.get(data[:2])
    if order is None:
        return 1
    try:
        (at,) = struct.unpack_from(f"{order}I", data, 4)
        (entries,) = struct.unpack_from(f"{order}H", data, at)
        for entry in range(entries):
            tag, kind, count, value = struct.unpack_from(f"{order}HHIH", data, at + 2 + 12 * entry)
            if (tag, kind, count) == (_ORIENTATION, _SHORT, 1):
                return value if 1 <= value <= 8 else 1
    except struct.error:
        pass
    return 1
