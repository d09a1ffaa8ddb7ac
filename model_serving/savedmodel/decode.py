"""Decoding inside the graph: an encoded photo to upright pixels, as `model_serving.photos` does it with Pillow.

For clients that cannot prepare pixels themselves, REST above all. The tests hold both within one grey level on average.
What TensorFlow has no op for stays with the gateway: colour profiles, and the kinds that `formats.py` refuses.
"""

from __future__ import annotations

import tensorflow as tf

from model_serving.photos import BACKGROUND, Geometry
from model_serving.savedmodel.formats import decode_any


def decode_photo(photo: tf.Tensor, geometry: Geometry) -> tf.Tensor:
    """Return uint8 [size, size, 3] of one encoded JPEG, PNG, WebP, GIF (first frame) or BMP, a string scalar."""
    image, orientation = decode_any(photo)
    return _upright(_resize(_to_rgb(image), geometry), orientation)


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


def _upright(image: tf.Tensor, orientation: tf.Tensor) -> tf.Tensor:
    """Turn a square image as Exif orientation 1 to 8 asks: mirror in the diagonal, then sideways, then upside down."""
    image = tf.where(orientation >= 5, tf.transpose(image, [1, 0, 2]), image)
    image = tf.where(_one_of(orientation, 2, 3, 6, 7), image[:, ::-1], image)
    return tf.where(_one_of(orientation, 3, 4, 7, 8), image[::-1], image)


def _one_of(value: tf.Tensor, *choices: int) -> tf.Tensor:
    return tf.reduce_any(tf.equal(value, choices))
