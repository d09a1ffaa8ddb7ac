"""Ways to break an encoded photo: anywhere, and where its format keeps lengths, sizes and kinds."""

from __future__ import annotations

import contextlib
import random
import struct
import zlib
from collections.abc import Callable

from tests.photo_kinds import BAD, KINDS, TURNED, encode, turned

# What numbers in files are most often wrong about.
EDGES = (0, 1, 2, 7, 8, 255, 256, 32767, 32768, 65535, 65536, 2**24, 2**31 - 1, 2**31, 2**32 - 1)


def seeds() -> list[bytes]:
    """Return a small file of every kind in the tables, good and bad, and one turned of each format that can be."""
    table = [make() for make, _, _ in KINDS.values()] + [make() for make, _ in BAD.values()]
    for kind in TURNED:
        image, exif = turned(6)
        table.append(encode(image, kind, exif=exif.tobytes()))
    return [photo for photo in table if 0 < len(photo) < 20_000]


def mutate(photo: bytes, others: list[bytes], rng: random.Random) -> bytes:
    """Return the photo with one to four mutations."""
    for _ in range(rng.choice((1, 1, 2, 4))):
        mutation = rng.choice(_ANYWHERE + _of_format(photo))
        photo = mutation(photo, others, rng)
        if not photo:
            break
    return photo


Mutation = Callable[[bytes, list[bytes], random.Random], bytes]


def flip_bits(photo: bytes, others: list[bytes], rng: random.Random) -> bytes:
    changed = bytearray(photo)
    for _ in range(rng.choice((1, 1, 4, 16))):
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def set_number(photo: bytes, others: list[bytes], rng: random.Random) -> bytes:
    """Overwrite a number, more often in the header than in what follows."""
    size = rng.choice((1, 2, 4))
    at = rng.randrange(min(len(photo), rng.choice((64, 512, 1 << 30))))
    value = rng.choice(EDGES) % (1 << 8 * size)
    return photo[:at] + value.to_bytes(size, rng.choice(("big", "little"))) + photo[at + size :]


def truncate(photo: bytes, others: list[bytes], rng: random.Random) -> bytes:
    return photo[: rng.randrange(len(photo))]


def splice(photo: bytes, others: list[bytes], rng: random.Random) -> bytes:
    """Put a piece of any file in place of a piece of this one."""
    other = rng.choice(others)
    start, at = rng.randrange(len(other)), rng.randrange(len(photo))
    length = rng.choice((4, 16, 64, 1024))
    return photo[:at] + other[start : start + length] + photo[at + rng.choice((0, length)) :]


def repeat(photo: bytes, others: list[bytes], rng: random.Random) -> bytes:
    at, length = rng.randrange(len(photo)), rng.choice((1, 4, 12, 64))
    return photo[:at] + photo[at : at + length] * rng.choice((2, 10, 200)) + photo[at + length :]


def _within(content: bytes, others: list[bytes], rng: random.Random) -> bytes:
    """Return a part of a photo, mutated by itself."""
    return rng.choice((flip_bits, set_number, truncate, repeat))(content, others, rng) if content else content


def change_png_chunk(photo: bytes, others: list[bytes], rng: random.Random) -> bytes:
    """Change, drop or repeat a chunk, and repair length and checksum, so that the change is not what is noticed."""
    chunks, at = [], 8
    while at + 8 <= len(photo):
        (length,) = struct.unpack_from(">I", photo, at)
        chunks.append((photo[at + 4 : at + 8], photo[at + 8 : at + 8 + length]))
        at += 12 + length
    if not chunks:
        return photo
    place = rng.randrange(len(chunks))
    name, data = chunks[place]
    if name in (b"IDAT", b"fdAT", b"zTXt", b"iCCP") and rng.random() < 0.5:
        with contextlib.suppress(zlib.error):  # also what is inside the compression
            data = zlib.compress(_within(zlib.decompress(data), others, rng))
    else:
        data = _within(data, others, rng)
    chunks[place : place + 1] = [(name, data)] * rng.choice((0, 1, 1, 1, 1, 2, 100))
    return photo[:8] + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )


def change_jpeg_segment(photo: bytes, others: list[bytes], rng: random.Random) -> bytes:
    """Change, drop or repeat a segment before the first scan, and repair its length."""
    segments, at = [], 2
    while at + 4 <= len(photo) and photo[at] == 0xFF and photo[at + 1] != 0xDA:
        (length,) = struct.unpack_from(">H", photo, at + 2)
        segments.append((photo[at : at + 2], photo[at + 4 : at + 2 + length]))
        at += 2 + length
    if not segments:
        return photo
    place = rng.randrange(len(segments))
    marker, data = segments[place]
    data = _within(data, others, rng)[:65_000]
    segments[place : place + 1] = [(marker, data)] * rng.choice((0, 1, 1, 1, 1, 2, 100))
    return (
        photo[:2] + b"".join(marker + struct.pack(">H", len(data) + 2) + data for marker, data in segments) + photo[at:]
    )


def change_tiff_tag(photo: bytes, others: list[bytes], rng: random.Random) -> bytes:
    """Give a tag of the first directory another number, type, count or value."""
    order = "<" if photo[:2] == b"II" else ">"
    if len(photo) < 10:
        return photo
    (at,) = struct.unpack_from(order + "I", photo, 4)
    if at + 2 > len(photo):
        return photo
    (count,) = struct.unpack_from(order + "H", photo, at)
    entry = at + 2 + 12 * rng.randrange(max(count, 1))
    if entry + 12 > len(photo):
        return photo
    tag, kind, number, value = struct.unpack_from(order + "HHII", photo, entry)
    choices = [
        (rng.choice((254, 258, 259, 262, 266, 277, 284, 317, 322, 323, 338, 339, 347, 530)), kind, number, value),
        (tag, rng.randrange(1, 14), number, value),
        (tag, kind, rng.choice(EDGES), value),
        (tag, kind, number, rng.choice((*EDGES, *range(1, 10), 32773, 32946, 34712, 50000, 50001))),
    ]
    return photo[:entry] + struct.pack(order + "HHII", *rng.choice(choices)) + photo[entry + 12 :]


# Names of boxes of HEIC and AVIF, and of chunks of WebP, each of four bytes.
NAMES = (
    b"ispeilociinfinfeiprpipcoipmahvcCav1CirotimirclapauxCcolrpiximetamdatidatgridiref"
    b"pitmftypstszmoovVP8XVP8LVP8 ALPHANIMANMFICCPEXIF"
)
BOXES = [NAMES[at : at + 4] for at in range(0, len(NAMES), 4)]


def change_box(photo: bytes, others: list[bytes], rng: random.Random) -> bytes:
    """Change what follows the name of a box or chunk, or its length, in a HEIC, AVIF or WebP."""
    places = [photo.find(name) for name in BOXES if name in photo]
    if not places:
        return photo
    at = rng.choice(places)
    start = max(0, at + rng.randrange(-4, 24))
    size = rng.choice((1, 2, 4))
    value = rng.choice((*EDGES, *range(1, 40))) % (1 << 8 * size)
    order = "little" if photo[:4] == b"RIFF" else "big"
    return photo[:start] + value.to_bytes(size, order) + photo[start + size :]


_ANYWHERE: list[Mutation] = [flip_bits, set_number, truncate, splice, repeat]


def _of_format(photo: bytes) -> list[Mutation]:
    """Return the mutations that know the format, as often as the others together."""
    if photo[:4] == b"\x89PNG":
        known = change_png_chunk
    elif photo[:2] == b"\xff\xd8":
        known = change_jpeg_segment
    elif photo[:2] in (b"II", b"MM"):
        known = change_tiff_tag
    elif photo[4:8] == b"ftyp" or photo[:4] == b"RIFF":
        known = change_box
    else:
        known = set_number
    return [known] * len(_ANYWHERE)
