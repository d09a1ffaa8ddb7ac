"""Boxes of ISO media files (ISO/IEC 14496-12), in which AVIF and HEIC photos come: brands, codecs and colours."""

from __future__ import annotations

import re

# The brands by which a file says that it holds HEVC images, those of AVIF, and those of images of either kind.
_HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"})
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_IMAGE_BRANDS = frozenset({b"mif1", b"mif2", b"msf1", b"miaf"})

_HEAD_BYTES = 65_536
_COLOURS = re.compile(rb"colrnclx(.{4})", re.DOTALL)
# Configurations of the codecs, one of which every coded image has.
_CODECS = re.compile(rb"av1C|hvcC")
# Entries of images in the list of items that are in other codecs (ISO/IEC 23008-12).
_OTHER_ITEMS = re.compile(rb"infe.{8,10}(?:avc1|evc1|vvc1|j2k1|jpeg|unci)", re.DOTALL)


def image_format(photo: bytes) -> str | None:
    """Return `AVIF`, `HEIC`, or None for a file that is neither; brands of both are told apart by the codec."""
    brands = _brands(photo)
    if not brands & (_HEIC_BRANDS | _AVIF_BRANDS | _IMAGE_BRANDS):
        return None
    codec = _CODECS.search(photo, 0, _HEAD_BYTES)
    if codec:
        return "AVIF" if codec[0] == b"av1C" else "HEIC"
    return "AVIF" if brands & _AVIF_BRANDS else "HEIC"


def is_unread(photo: bytes) -> bool:
    """Tell whether a file of images has them in other codecs alone: AVC, EVC, VVC, JPEG, JPEG 2000, or uncompressed."""
    return not _CODECS.search(photo, 0, _HEAD_BYTES) and bool(_OTHER_ITEMS.search(photo, 0, _HEAD_BYTES))


def with_brand(photo: bytes, name: str) -> bytes:
    """Return an AVIF or HEIC with a brand that its decoder knows, in the two places where decoders look."""
    major, usual = photo[8:12], (_AVIF_BRANDS if name == "AVIF" else _HEIC_BRANDS)
    brand = major if major in usual else name.lower().encode()
    if name == "HEIC" and int.from_bytes(photo[:4]) >= 20 and not _brands(photo[:8] + photo[12:]) & {b"heic", b"mif1"}:
        return photo[:8] + brand + photo[12:16] + b"mif1" + photo[20:]
    return photo if brand == major else photo[:8] + brand + photo[12:]


def code_points(photo: bytes) -> tuple[int, int] | None:
    """Return primaries and transfer characteristics (ITU-T H.273) of the first box `colr`, or None if it has none."""
    found = _COLOURS.search(photo, 0, _HEAD_BYTES)
    return (int.from_bytes(found[1][:2]), int.from_bytes(found[1][2:])) if found else None


def _brands(photo: bytes) -> set[bytes]:
    if photo[4:8] != b"ftyp":
        return set()
    box = photo[8 : min(int.from_bytes(photo[:4]), 256)]
    return {box[at : at + 4] for at in range(0, len(box), 4)}
