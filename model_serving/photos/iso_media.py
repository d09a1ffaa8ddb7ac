"""Boxes of ISO media files (ISO/IEC 14496-12), in which AVIF and HEIC photos come: brands and colours."""

from __future__ import annotations

import re

# The brands by which a file says that it holds HEVC images, those of AVIF, and those of images of either kind.
_HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"})
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_IMAGE_BRANDS = frozenset({b"mif1", b"mif2", b"msf1", b"miaf"})

_COLOURS = re.compile(rb"colrnclx(.{4})", re.DOTALL)


def is_heic(photo: bytes) -> bool:
    """Tell whether a photo is to be given to the decoder of HEIC."""
    brands = _brands(photo)
    return bool(brands & (_HEIC_BRANDS | _IMAGE_BRANDS)) and not brands & _AVIF_BRANDS


def code_points(photo: bytes) -> tuple[int, int] | None:
    """Return primaries and transfer characteristics (ITU-T H.273) of the first box `colr`, or None if it has none."""
    found = _COLOURS.search(photo, 0, 65_536)
    return (int.from_bytes(found[1][:2]), int.from_bytes(found[1][2:])) if found else None


def _brands(photo: bytes) -> set[bytes]:
    if photo[4:8] != b"ftyp":
        return set()
    box = photo[8 : min(int.from_bytes(photo[:4]), 256)]
    return {box[at : at + 4] for at in range(0, len(box), 4)}
