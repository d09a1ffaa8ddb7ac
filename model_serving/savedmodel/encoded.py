"""Stock ops on the bytes of encoded files, string scalars: numbers, marks, and the orientation in an Exif directory."""

from __future__ import annotations

import tensorflow as tf

# What is read beyond the end of a padded file is zero.
PADDING_BYTES = 64
# An Exif segment is at most 64 KiB long, and its first directory has some dozen entries.
_EXIF_BYTES, _EXIF_ENTRIES = 1 << 16, 1_000
_ORIENTATION, _SHORT = 0x0112, 3


def padded(data: tf.Tensor) -> tf.Tensor:
    """Return the file with some zeros behind it."""
    return tf.strings.join([data, bytes(PADDING_BYTES)])


def number(data: tf.Tensor, at: int | tf.Tensor, size: int, big_endian: bool = True) -> tf.Tensor:
    """Return the unsigned number of `size` bytes at a place of a file, int64."""
    digits = tf.io.decode_raw(tf.strings.substr(data, at, size), tf.uint8)
    return tf.reduce_sum(tf.cast(digits, tf.int64) * (_weights(size)[::-1] if big_endian else _weights(size)))


def begins(data: tf.Tensor, mark: bytes, at: int | tf.Tensor = 0) -> tf.Tensor:
    """Tell whether the mark stands at a place of a file."""
    return tf.equal(tf.strings.substr(data, at, len(mark)), mark)


def holds(data: tf.Tensor, mark: bytes) -> tf.Tensor:
    """Tell whether the mark stands anywhere."""
    return tf.size(tf.strings.split(data, mark, maxsplit=1)) > 1


def before(data: tf.Tensor, mark: bytes) -> tf.Tensor:
    """Return what stands before the first mark; all if there is none."""
    return tf.strings.split(data, mark, maxsplit=1)[0]


def after(data: tf.Tensor, mark: bytes) -> tf.Tensor:
    """Return what stands after the first mark; nothing if there is none."""
    return tf.strings.reduce_join(tf.strings.split(data, mark, maxsplit=1)[1:])


def orientation(exif: tf.Tensor) -> tf.Tensor:
    """Return the orientation that Exif tells, 1 to 8, int32; 1 if it is damaged or tells none.

    `exif` begins with the order of bytes (TIFF 6.0), and may be empty.
    """
    data = tf.cast(tf.io.decode_raw(padded(tf.strings.substr(exif, 0, _EXIF_BYTES)), tf.uint8), tf.int64)
    is_big = tf.equal(data[0], ord("M"))

    def numbers(places: tf.Tensor, size: int) -> tf.Tensor:
        inside = tf.minimum(places[:, tf.newaxis] + tf.range(size, dtype=tf.int64), tf.size(data, tf.int64) - 1)
        digits = tf.gather(data, inside)
        weights = tf.where(is_big, tf.constant(_weights(size)[::-1], tf.int64), _weights(size))
        return tf.reduce_sum(digits * weights, axis=1)

    directory = numbers(tf.constant([4], tf.int64), 4)
    count = tf.minimum(numbers(directory, 2)[0], _EXIF_ENTRIES)
    entries = directory + 2 + 12 * tf.range(count)
    tags, kinds, counts = numbers(entries, 2), numbers(entries + 2, 2), numbers(entries + 4, 4)
    values = numbers(entries + 8, 2)
    told = tf.equal(tags, _ORIENTATION) & tf.equal(kinds, _SHORT) & tf.equal(counts, 1) & (values >= 1) & (values <= 8)
    return tf.cast(tf.reduce_max(tf.concat([[1], tf.where(told, values, 1)], axis=0)), tf.int32)


def _weights(size: int) -> list[int]:
    return [256**place for place in range(size)]
