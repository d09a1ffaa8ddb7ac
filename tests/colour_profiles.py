"""Colour profiles written from their published definitions, so that no file of someone else's is needed."""

from __future__ import annotations

import struct
from itertools import product

import numpy as np

# Columns: red, green and blue of each space in CIE XYZ, adapted to D50, and the gamma of its curve.
_PRIMARIES = {
    "display p3": ([[0.51512, 0.29198, 0.15710], [0.24120, 0.69225, 0.06657], [-0.00105, 0.04189, 0.78407]], 2.2),
    "adobe rgb": ([[0.60974, 0.20528, 0.14919], [0.31111, 0.62567, 0.06322], [0.01947, 0.06087, 0.74457]], 2.19921875),
}
_D50 = (0.9642, 1.0, 0.8249)


def rgb_profile(name: str) -> bytes:
    """Return the profile of an RGB space with a plain gamma curve."""
    columns, gamma = _PRIMARIES[name]
    primaries = zip((b"rXYZ", b"gXYZ", b"bXYZ"), np.array(columns).T, strict=True)
    curves = {name: _curve(gamma) for name in (b"rTRC", b"gTRC", b"bTRC")}
    return _profile(b"mntr", b"RGB ", b"XYZ ", {name: _xyz(*column) for name, column in primaries} | curves)


def grey_profile() -> bytes:
    """Return the profile of a grey whose values are proportional to light: 128 looks as 188 in sRGB."""
    return _profile(b"mntr", b"GRAY", b"XYZ ", {b"kTRC": _curve(1.0)})


def cmyk_profile() -> bytes:
    """Return the profile of a press whose cyan and yellow inks were swapped: only who reads it sees yellow for cyan."""
    corners = bytearray()
    for cyan, magenta, yellow, black in product((0, 1), repeat=4):
        rgb = np.array([1 - yellow, 1 - magenta, 1 - cyan]) * (1 - black)
        corners += bytes(_lab(rgb))
    identity = bytes(range(256))
    table = (
        b"mft1\0\0\0\0"
        + bytes([4, 3, 2, 0])  # inputs, outputs, grid points
        + struct.pack(">9i", *(np.eye(3, dtype=int).ravel() * 65536).tolist())
        + identity * 4
        + corners
        + identity * 3
    )
    return _profile(b"prtr", b"CMYK", b"Lab ", {b"A2B0": table})


def _lab(rgb: np.ndarray) -> tuple[int, int, int]:
    """Return L, a and b as 8 bits of a colour of the extremes of sRGB."""
    to_xyz = np.array([[0.43607, 0.38515, 0.14307], [0.22249, 0.71687, 0.06061], [0.01392, 0.09708, 0.71410]])
    x, y, z = np.cbrt(to_xyz @ rgb / _D50).tolist()
    lightness, a, b = 116 * y - 16, 500 * (x - y), 200 * (y - z)
    if not rgb.any():
        lightness = a = b = 0
    return round(lightness * 2.55), round(a) + 128, round(b) + 128


def _xyz(x: float, y: float, z: float) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(value * 65536) for value in (x, y, z)))


def _curve(gamma: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IHxx", 1, round(gamma * 256))


def _profile(device: bytes, space: bytes, connection: bytes, tags: dict[bytes, bytes]) -> bytes:
    tags = {b"wtpt": _xyz(*_D50), **tags}
    table, data = struct.pack(">I", len(tags)), b""
    start = 128 + 4 + 12 * len(tags)
    for name, content in tags.items():
        content += b"\0" * (-len(content) % 4)
        table += name + struct.pack(">II", start + len(data), len(content))
        data += content
    header = struct.pack(">I4xI", start + len(data), 0x02400000) + device + space + connection
    header = header.ljust(36, b"\0") + b"acsp"
    header = header.ljust(68, b"\0") + struct.pack(">3i", *(round(value * 65536) for value in _D50))
    return header.ljust(128, b"\0") + table + data
