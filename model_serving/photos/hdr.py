"""Colours by code points (ITU-T H.273): HDR is tone-mapped, and wide gamuts are converted, to sRGB.

It is arithmetic on whole channels of the few pixels that the model sees, and needs no more than Pillow.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PIL import Image, ImageMath

# Nits of white in an SDR picture shown in HDR (ITU-R BT.2408), and of the peak of HLG's nominal display.
_WHITE_NITS, _PEAK_NITS = 203.0, 1000.0

_BT2020, _DISPLAY_P3 = 9, 12
_PQ, _HLG = 16, 18
_SDR_TRANSFERS = (1, 6, 13, 14, 15)
# Powers of values that give linear light.
_GAMMAS = {4: 2.2, 5: 2.8, 8: 1.0}

_Matrix = tuple[tuple[float, float, float], ...]
# Linear light of the primaries to that of sRGB's, white point D65 (computed from the chromaticities of H.273).
_TO_SRGB: dict[int, _Matrix] = {
    _BT2020: ((1.660491, -0.587641, -0.072850), (-0.124550, 1.132900, -0.008349), (-0.018151, -0.100579, 1.118730)),
    _DISPLAY_P3: ((1.224940, -0.224940, 0.0), (-0.042057, 1.042057, 0.0), (-0.019638, -0.078636, 1.098274)),
}
_SAME: _Matrix = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))

# A channel within `ImageMath`: arithmetic on it is arithmetic on each of its pixels.
_Channel = Any


def is_hdr(transfer: int) -> bool:
    """Tell whether a transfer characteristic is one of HDR; an ICC profile beside it is for programs without HDR."""
    return transfer in (_PQ, _HLG)


def to_srgb(image: Image.Image, primaries: int, transfer: int) -> Image.Image:
    """Return an RGB image in sRGB, given its code points; as it is if these are sRGB's own or unknown.

    Of HDR, light up to SDR's white is what an SDR picture of the same scene shows; brighter light keeps its hue.
    """
    is_wide = primaries in _TO_SRGB and transfer in _SDR_TRANSFERS
    if not (is_hdr(transfer) or is_wide or transfer in _GAMMAS):
        return image
    matrix = _TO_SRGB.get(primaries, _SAME)
    to_light = _to_light(transfer)
    light = [_each(channel, lambda value: to_light(value / 255)) for channel in image.split()]
    mixed = [_mix(light, row) for row in matrix]
    if is_hdr(transfer):
        brightest = ImageMath.lambda_eval(
            lambda values: values["max"](values["max"](values["r"], values["g"]), values["max"](values["b"], 1.0)),
            **dict(zip("rgb", mixed, strict=True)),
        )
        mixed = [ImageMath.lambda_eval(lambda values: values["a"] / values["b"], a=one, b=brightest) for one in mixed]
    encoded = [_each(channel, lambda value: _light_to_srgb(value) * 255 + 0.5) for channel in mixed]
    return Image.merge("RGB", [channel.convert("L") for channel in encoded])


def gamma_to_srgb(gamma: float) -> list[int]:
    """Return sRGB's value for each value 0..255 whose power `gamma` is linear light."""
    return [int(_light_to_srgb((value / 255) ** gamma) * 255 + 0.5) for value in range(256)]


def _to_light(transfer: int) -> Callable[[_Channel], _Channel]:
    if gamma := _GAMMAS.get(transfer):
        return lambda value: value**gamma
    return {_PQ: _pq, _HLG: _hlg}.get(transfer, _srgb_to_light)


def _each(channel: Image.Image, function: Callable[[_Channel], _Channel]) -> Image.Image:
    return ImageMath.lambda_eval(lambda values: function(values["channel"]), channel=channel.convert("F"))


def _mix(light: list[Image.Image], weights: tuple[float, float, float]) -> Image.Image:
    return ImageMath.lambda_eval(
        lambda values: sum(weight * values[name] for weight, name in zip(weights, "rgb", strict=True)),
        **dict(zip("rgb", light, strict=True)),
    )


def _pq(value: _Channel) -> _Channel:
    """Return linear light, 1 being SDR's white, of PQ values 0..1 (SMPTE ST 2084)."""
    m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
    power = value ** (1 / m2)
    return (_above(power, c1) * (power - c1) / (c2 - c3 * power)) ** (1 / m1) * (10_000 / _WHITE_NITS)


def _hlg(value: _Channel) -> _Channel:
    """Return linear light, 1 being SDR's white, of HLG values 0..1 (ITU-R BT.2100), system gamma by channel."""
    a, b, c, e = 0.17883277, 0.28466892, 0.55991073, 2.718281828
    is_high = _above(value, 0.5)
    scene = (1 - is_high) * value * value / 3 + is_high * (e ** ((value - c) / a) + b) / 12
    return scene**1.2 * (_PEAK_NITS / _WHITE_NITS)


def _srgb_to_light(value: _Channel) -> _Channel:
    is_high = _above(value, 0.04045)
    return (1 - is_high) * value / 12.92 + is_high * ((value + 0.055) / 1.055) ** 2.4


def _light_to_srgb(light: _Channel) -> _Channel:
    light = _above(light, 0.0) * light
    light = light + _above(light, 1.0) * (1.0 - light)
    is_high = _above(light, 0.0031308)
    return (1 - is_high) * light * 12.92 + is_high * (1.055 * light ** (1 / 2.4) - 0.055)


def _above(value: _Channel, threshold: float) -> _Channel:
    """Return 1 where a channel is above the threshold, 0 elsewhere."""
    return (value > threshold) * 1.0
