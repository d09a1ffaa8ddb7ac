"""Conversion of nested JSON lists to arrays, by loops in C; None for values that TensorFlow Serving refuses."""

from __future__ import annotations

import base64
import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from local_server.errors import InvalidArgumentError
from local_server.inference.tensors import Array
from local_server.rest_api import rapidjson

# Arrays of other dtypes cannot be written in JSON.
JSON_TYPES = (
    tf.float32, tf.float64, tf.int8, tf.int16, tf.int32, tf.int64, tf.uint8, tf.uint32, tf.uint64, tf.bool, tf.string,
)  # fmt: skip


MAX_RANK = 64  # numpy's


def to_array(value: Any, dtype: tf.DType) -> Array | None:
    """Return nested lists as an array, or None if they are ragged, nested too deeply, or do not fit the dtype."""
    shape = shape_of(value)
    if len(shape) > MAX_RANK:
        return None
    level = [value]
    for size in shape:
        if set(map(type, level)) != {list} or set(map(len, level)) != {size}:
            return None
        level = list(itertools.chain.from_iterable(level))
    converted = _converter(dtype)(level, dtype.as_numpy_dtype) if dtype in JSON_TYPES else None
    return None if converted is None else converted.reshape(shape)


def shape_of(value: Any) -> list[int]:
    """Return the shape that nested lists have if they are regular."""
    shape = []
    while isinstance(value, list):
        shape.append(len(value))
        value = value[0] if value else None
    return shape


def _floats(leaves: list[Any], dtype: Any) -> Array | None:
    if not set(map(type, leaves)) <= {int, float}:
        return None
    with np.errstate(over="ignore"):  # beyond the range is infinite
        return np.array(leaves, np.float64).astype(dtype)


def _integers(leaves: list[Any], dtype: Any) -> Array | None:
    if not set(map(type, leaves)) <= {int}:
        return None
    low, high = _integer_range(dtype)
    if leaves and not (low <= min(leaves) and max(leaves) <= high):
        return None
    return np.array(leaves, np.uint64 if dtype is np.uint64 else np.int64).astype(dtype)


def _booleans(leaves: list[Any], dtype: Any) -> Array | None:
    return np.array(leaves, dtype) if set(map(type, leaves)) <= {bool} else None


def _strings(leaves: list[Any], dtype: Any) -> Array | None:
    if not all(isinstance(leaf, str) or is_base64(leaf) for leaf in leaves):
        return None
    try:
        return np.fromiter(map(to_bytes, leaves), dtype, len(leaves))
    except InvalidArgumentError:
        return None


def _converter(dtype: tf.DType) -> Callable[[list[Any], Any], Array | None]:
    if dtype == tf.string:
        return _strings
    if dtype == tf.bool:
        return _booleans
    return _floats if dtype.is_floating else _integers


def to_bytes(leaf: Any) -> bytes:
    """Return the bytes of a JSON string or of bytes in base64."""
    if isinstance(leaf, str):
        return rapidjson.to_bytes(leaf)
    try:
        return _from_base64(leaf["b64"])
    except ValueError as error:
        raise InvalidArgumentError("Unable to base64 decode") from error


def _from_base64(text: str) -> bytes:
    """Return decoded bytes as Abseil does: white space, no padding at all, and dots as padding are let through."""
    padded = b"".join(text.encode("ascii").split())
    data = padded.rstrip(b"=.")
    missing = -len(data) % 4
    if len(padded) - len(data) not in (0, missing):
        raise ValueError("wrong padding")
    return base64.b64decode(data + b"=" * missing, validate=True)


def _integer_range(dtype: Any) -> tuple[int, int]:
    # Narrower integers than these travel in 32 bits and are cut, as in TensorFlow Serving.
    limits = np.iinfo(dtype if np.dtype(dtype).itemsize >= 4 else np.int32)
    return int(limits.min), int(limits.max)


def is_base64(value: Any) -> bool:
    """Tell whether a JSON value is bytes, `{"b64": "..."}`."""
    return isinstance(value, dict) and len(value) == 1 and isinstance(value.get("b64"), str)


def is_named(value: Any) -> bool:
    """Tell whether a JSON value is an object of named values."""
    return isinstance(value, dict) and not is_base64(value)
