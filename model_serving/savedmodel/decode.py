"""Decoding inside the graph: an encoded photo to upright pixels, as `model_serving.photos` does it with Pillow.

For clients that cannot prepare pixels themselves, REST above all. The tests hold both within one grey level on average.
What TensorFlow has no op for stays with the gateway: colour profiles, and the orientation of a PNG or WebP.
"""

from __future__ import annotations

import tensorflow as tf

from model_serving.photos import BACKGROUND, MAX_PIXELS, Geometry

# A JPEG's Exif segment stands at its head and is at most 64 KiB long.
EXIF_SEARCH_BYTES = 65_536
# The orientation entry of an Exif directory up to its value: tag 0x0112, type SHORT, count 1; in both byte orders.
ORIENTATION_BIG_ENDIAN = b"\x01\x12\x00\x03\x00\x00\x00\x01\x00"
ORIENTATION_LITTLE_ENDIAN = b"\x12\x01\x03\x00\x01\x00\x00\x00"


def decode_photo(photo: tf.Tensor, geometry: Geometry) -> tf.Tensor:
    """Return uint8 [size, size, 3] of one encoded JPEG, PNG, WebP, GIF (first frame) or BMP, a string scalar."""
    image = tf.cond(
        tf.io.is_jpeg(photo),
        # By default TensorFlow decodes JPEG by a faster transform that is a grey level off.
        lambda: tf.io.decode_jpeg(photo, dct_method="INTEGER_ACCURATE"),
        lambda: tf.io.decode_image(photo, expand_animations=False),
    )
    height_width = tf.shape(image)[:2]
    few_enough = tf.debugging.assert_less_equal(
        tf.reduce_prod(height_width), MAX_PIXELS, f"A photo may have {MAX_PIXELS // 1_000_000} million pixels"
    )
    with tf.control_dependencies([few_enough]):
        return _upright(_resize(_to_rgb(image), geometry), _orientation(photo))


def _to_rgb(image: tf.Tensor) -> tf.Tensor:
    """Return uint8 [H, W, 3] of grey, grey and alpha, RGB or RGBA; what is transparent shows the background."""
    channels = tf.shape(image)[2]
    colour = tf.cond(channels < 3, lambda: tf.repeat(image[..., :1], 3, axis=2), lambda: image[..., :3])
    has_alpha = tf.equal(channels % 2, 0)
    return tf.cond(has_alpha, lambda: _on_background(colour, image[..., -1:]), lambda: colour)


def _on_background(colour: tf.Tensor, alpha: tf.Tensor) -> tf.Tensor:
    opaque = tf.cast(alpha, tf.float32) / 255
    shown = tf.cast(colour, tf.float32) * opaque + tf.constant(BACKGROUND, tf.float32) * (1 - opaque)
    return tf.cast(tf.round(shown), tf.uint8)


def _resize(image: tf.Tensor, geometry: Geometry) -> tf.Tensor:
    """Return the square that the model sees as uint8 [size, size, 3], by Pillow's antialiased cubic filter."""
    height_width = tf.cast(tf.shape(image)[:2], tf.float32)
    side = tf.reduce_min(height_width) * geometry.crop
    scale = tf.repeat(geometry.size / side, 2)
    resized = tf.raw_ops.ScaleAndTranslate(
        images=image[tf.newaxis],
        size=[geometry.size, geometry.size],
        scale=scale,
        translation=-(height_width - side) / 2 * scale,
        kernel_type="keyscubic",
        antialias=True,
    )[0]
    return tf.cast(tf.round(tf.clip_by_value(resized, 0, 255)), tf.uint8)


def _orientation(photo: tf.Tensor) -> tf.Tensor:
    """Return a JPEG's Exif orientation, 1 to 8; 1 for a photo that has none or is of another type."""
    head = tf.io.decode_raw(tf.strings.substr(photo, 0, EXIF_SEARCH_BYTES), tf.uint8)
    exif = head[_find(head, b"Exif\x00\x00") :]
    after_big = _find(exif, ORIENTATION_BIG_ENDIAN) + len(ORIENTATION_BIG_ENDIAN)
    after_little = _find(exif, ORIENTATION_LITTLE_ENDIAN) + len(ORIENTATION_LITTLE_ENDIAN)
    value = tf.pad(exif, [[0, len(ORIENTATION_BIG_ENDIAN) + 1]])[tf.minimum(after_big, after_little)]
    return tf.where((value >= 1) & (value <= 8), tf.cast(value, tf.int32), 1)


def _find(data: tf.Tensor, pattern: bytes) -> tf.Tensor:
    """Return where `pattern` first begins in `data`, uint8 [n]; n if nowhere."""
    padded = tf.pad(data, [[0, len(pattern)]])
    size = tf.size(data)
    equal = tf.reduce_all([tf.equal(padded[i : i + size], byte) for i, byte in enumerate(pattern)], axis=0)
    return tf.reduce_min(tf.concat([tf.where(equal, tf.range(size), size), [size]], axis=0))


def _upright(image: tf.Tensor, orientation: tf.Tensor) -> tf.Tensor:
    """Turn a square image as Exif orientation 1 to 8 asks: mirror in the diagonal, then sideways, then upside down."""
    image = tf.where(orientation >= 5, tf.transpose(image, [1, 0, 2]), image)
    image = tf.where(_one_of(orientation, 2, 3, 6, 7), image[:, ::-1], image)
    return tf.where(_one_of(orientation, 3, 4, 7, 8), image[::-1], image)


def _one_of(value: tf.Tensor, *choices: int) -> tf.Tensor:
    return tf.reduce_any(tf.equal(value, choices))
