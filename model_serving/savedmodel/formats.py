"""Formats that the graph reads, by stock ops; what these would read wrongly is refused, from the photo's own bytes.

A refusal is an INVALID_ARGUMENT of the graph, in words for the one who sent the photo: the gateway reads more kinds.
"""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from model_serving.photos import MAX_PIXELS
from model_serving.savedmodel.encoded import after, before, begins, holds, number, orientation, padded

Decoded = tuple[tf.Tensor, tf.Tensor]

UNKNOWN = "A photo must be a JPEG, PNG, WebP, GIF or BMP: send others through the gateway"
TOO_LARGE = f"A photo may have {MAX_PIXELS // 1_000_000} million pixels"
DAMAGED = "The photo is damaged, or in too many parts"
CMYK = "A JPEG in CMYK must have Adobe's marker and no colour profile: send it as RGB, or through the gateway"
HDR = "A PNG must not be HDR (PQ or HLG): send it through the gateway"
EMPTY_PNG = "The picture of an animated PNG must be its first frame and show something: send it through the gateway"
ANIMATED_WEBP = "A WebP must not be animated: send it through the gateway"
PARTIAL_GIF = "The first frame of a GIF must fill it and have no transparent colour: send it through the gateway"
BMP_KIND = "A BMP must have 24 bits a pixel, uncompressed: send it as a PNG, or through the gateway"

# Parts of a file before its pixels, each a step of a loop: those of photos are some dozen, or some hundred.
MAX_PARTS = 10_000
# A part is read with some bytes behind its place: of the padding, where the file ends.
_MARGIN = 16
_SOS, _EOI, _APP1 = 0xFFDA, 0xFFD9, 0xFFE1
# An Exif segment that has a directory: marker, length, mark, header of the directory.
_LEAST_EXIF = 2 + 2 + 6 + 8
_SCAN, _END = b"\xff\xda", b"\xff\xd9"
# Bytes that decode to some blocks of a picture if any are missing, and are passed over if none are.
_FILLER = b"\x55" * 64
_GREY, _RGB = 0, 2
_PQ, _HLG = 16, 18


def decode_any(photo: tf.Tensor) -> Decoded:
    """Return uint8 [H, W, 1 to 4] of an encoded photo, a string scalar, and its Exif orientation, 1 to 8.

    The channels are grey, grey and alpha, RGB or RGBA; of an animation it is the first frame.
    """
    formats: list[tuple[bytes, Callable[[tf.Tensor], Decoded]]] = [
        (b"\xff\xd8\xff", _jpeg),
        (b"\x89PNG", _png),
        (b"RIFF", _webp),
        (b"GIF8", _gif),
        (b"BM", _bmp),
        (b"", _unknown),
    ]
    known = tf.stack([begins(photo, mark) for mark, _ in formats])
    return tf.switch_case(
        tf.argmax(tf.cast(known, tf.int32), output_type=tf.int32),
        [lambda decode=decode: decode(photo) for _, decode in formats],
    )


def _one_of(value: tf.Tensor, *choices: int) -> tf.Tensor:
    return tf.reduce_any(tf.equal(value, tf.constant(choices, tf.int64)))


def _require(condition: tf.Tensor, message: str) -> tf.Operation:
    return tf.debugging.Assert(condition, [message])


def _require_few_pixels(height: tf.Tensor, width: tf.Tensor) -> tf.Operation:
    return _require(tf.cast(height, tf.int64) * tf.cast(width, tf.int64) <= MAX_PIXELS, TOO_LARGE)


def _decode(photo: tf.Tensor, *conditions: tf.Operation) -> tf.Tensor:
    with tf.control_dependencies(conditions):
        return tf.io.decode_image(photo, expand_animations=False)


def _unknown(photo: tf.Tensor) -> Decoded:
    return _decode(photo, _require(tf.constant(False), UNKNOWN)), tf.constant(1)


def _jpeg(photo: tf.Tensor) -> Decoded:
    data = padded(photo)
    scan, exif = _walk_jpeg(data)
    head = tf.strings.substr(photo, 0, scan)
    height, width, colours = tf.unstack(tf.image.extract_jpeg_shape(photo))
    conditions = [
        _require_few_pixels(height, width),
        _require((colours < 4) | (holds(head, b"Adobe") & ~holds(head, b"ICC_PROFILE")), CMYK),
        _require(begins(data, _SCAN, scan), DAMAGED),
    ]
    with tf.control_dependencies(conditions):
        has_end = holds(tf.strings.split(photo, _SCAN)[-1], _END)
        image = tf.cond(has_end, lambda: _decode_jpeg(photo), lambda: _decode_jpeg_without_end(photo))
    return image, orientation(tf.strings.substr(data, exif, -1))


def _decode_jpeg(photo: tf.Tensor) -> tf.Tensor:
    # By default TensorFlow decodes JPEG by a faster transform that is a grey level off.
    return tf.io.decode_jpeg(photo, dct_method="INTEGER_ACCURATE")


def _decode_jpeg_without_end(photo: tf.Tensor) -> tf.Tensor:
    """Decode a JPEG that lacks its end marker, if no pixel is missing: bytes before that then change nothing."""
    image = _decode_jpeg(tf.strings.join([photo, _END]))
    filled = _decode_jpeg(tf.strings.join([photo, _FILLER + _END]))
    with tf.control_dependencies([_require(tf.reduce_all(tf.equal(image, filled)), DAMAGED)]):
        return tf.identity(image)


def _walk_jpeg(data: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return where the first scan begins, and where the first Exif, or the file's end (ITU-T T.81, annex B)."""
    end = tf.strings.length(data) - _MARGIN

    def is_before_scan(at: tf.Tensor, exif: tf.Tensor) -> tf.Tensor:
        return (at < end) & ~_one_of(number(data, at, 2), _SOS, _EOI)

    def pass_segment(at: tf.Tensor, exif: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        marker = number(data, at, 2)
        has_length = (marker >= 0xFF01) & (marker < 0xFFFF)  # else a fill byte, or garbage
        length = tf.where(has_length, 2 + tf.cast(number(data, at + 2, 2), tf.int32), 1)
        is_exif = tf.equal(marker, _APP1) & begins(data, b"Exif\0\0", at + 4) & (length > _LEAST_EXIF)
        is_exif &= tf.equal(exif, end)
        return tf.minimum(at + length, end), tf.where(is_exif, at + 10, exif)

    return tf.while_loop(is_before_scan, pass_segment, (tf.constant(2), end), maximum_iterations=MAX_PARTS)


def _png(photo: tf.Tensor) -> Decoded:
    data, head = padded(photo), before(photo, b"IDAT")
    colour = number(data, 25, 1)
    transfer = number(padded(after(head, b"cICP")), 1, 1)
    conditions = [
        _require_few_pixels(number(data, 20, 4), number(data, 16, 4)),
        _require(~_one_of(transfer, _PQ, _HLG), HDR),
    ]
    # With as many channels as it has, the op passes over a transparent colour; with four, it spoils less than 8 bits.
    has_colour = _one_of(colour, _GREY, _RGB) & holds(head, b"tRNS")
    with tf.control_dependencies(conditions):
        image = tf.cond(has_colour, lambda: tf.io.decode_png(photo, channels=4), lambda: tf.io.decode_png(photo))
    has_alpha = tf.equal(tf.shape(image)[2] % 2, 0)
    is_empty = has_alpha & tf.equal(tf.reduce_max(image[..., -1]), 0)
    is_other = holds(head, b"acTL") & (is_empty | ~holds(head, b"fcTL"))
    with tf.control_dependencies([_require(~is_other, EMPTY_PNG)]):
        return tf.identity(image), orientation(after(photo, b"eXIf"))


def _webp(photo: tf.Tensor) -> Decoded:
    data = padded(photo)
    is_extended, is_lossless = begins(data, b"VP8X", 12), begins(data, b"VP8L", 12)
    packed = number(data, 21, 4, big_endian=False)
    extended = [number(data, at, 3, big_endian=False) + 1 for at in (27, 24)]
    lossless = [(packed // (1 << 14)) % (1 << 14) + 1, packed % (1 << 14) + 1]
    lossy = [number(data, at, 2, big_endian=False) % (1 << 14) for at in (28, 26)]
    height, width = tf.unstack(tf.where(is_extended, extended, tf.where(is_lossless, lossless, lossy)))
    # TensorFlow 2.21 writes beyond its memory if it is asked for the first frame of an animation.
    is_animated = is_extended & tf.equal(number(data, 20, 1) // 2 % 2, 1)
    image = _decode(photo, _require_few_pixels(height, width), _require(~is_animated, ANIMATED_WEBP))
    exif = tf.strings.substr(padded(after(photo, b"EXIF")), 4, -1)
    return image, orientation(tf.where(begins(exif, b"Exif\0\0"), after(exif, b"Exif\0\0"), exif))


def _gif(photo: tf.Tensor) -> Decoded:
    data = padded(photo)
    frame, is_transparent = _walk_gif(data)
    canvas = [number(data, at, 2, big_endian=False) for at in (6, 8)]
    place = [number(data, frame + at, 2, big_endian=False) for at in (1, 3, 5, 7)]
    fills = tf.reduce_all(tf.equal(place, [0, 0, *canvas]))
    conditions = [
        _require_few_pixels(canvas[1], canvas[0]),
        _require(begins(data, b",", frame), DAMAGED),
        _require(fills & ~is_transparent, PARTIAL_GIF),
    ]
    return _decode(photo, *conditions), tf.constant(1)


def _walk_gif(data: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return where the first frame begins, and tell whether a colour of it is transparent (GIF89a, 23)."""
    end = tf.strings.length(data) - _MARGIN
    flags = tf.cast(number(data, 10, 1), tf.int32)
    palette = tf.where(flags >= 128, 3 * tf.bitwise.left_shift(2, flags % 8), 0)

    def is_before_frame(at: tf.Tensor, in_blocks: tf.Tensor, is_transparent: tf.Tensor) -> tf.Tensor:
        return (at < end) & (in_blocks | begins(data, b"!", at))

    def pass_part(at: tf.Tensor, in_blocks: tf.Tensor, is_transparent: tf.Tensor) -> tuple[tf.Tensor, ...]:
        size = tf.cast(number(data, at, 1), tf.int32)
        is_control = ~in_blocks & begins(data, b"!\xf9", at) & tf.equal(number(data, at + 3, 1) % 2, 1)
        after_part = at + tf.where(in_blocks, 1 + size, 2)
        return tf.minimum(after_part, end), ~in_blocks | (size > 0), is_transparent | is_control

    state = (tf.minimum(13 + palette, end), tf.constant(False), tf.constant(False))
    at, _, is_transparent = tf.while_loop(is_before_frame, pass_part, state, maximum_iterations=MAX_PARTS)
    return at, is_transparent


def _bmp(photo: tf.Tensor) -> Decoded:
    data = padded(photo)
    header, bits, compression = (number(data, at, size, False) for at, size in ((14, 4), (28, 2), (30, 4)))
    width, height = (tf.bitcast(tf.cast(number(data, at, 4, False), tf.uint32), tf.int32) for at in (18, 22))
    conditions = [
        _require_few_pixels(tf.abs(height), width),
        _require((header >= 40) & tf.equal(bits, 24) & tf.equal(compression, 0), BMP_KIND),
    ]
    return _decode(photo, *conditions), tf.constant(1)
