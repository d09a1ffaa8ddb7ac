"""Conversion between TensorProtos and numpy arrays, with no copy but those that the wire format forces."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2, types_pb2

Array = np.ndarray[Any, Any]

# The typed field of each dtype, and the numpy type of that field's values. Half-width floats travel as their bits in an
# integer field, complex numbers as pairs.
_FIELDS: dict[int, tuple[str, Any]] = {
    types_pb2.DT_FLOAT: ("float_val", np.float32),
    types_pb2.DT_DOUBLE: ("double_val", np.float64),
    types_pb2.DT_INT8: ("int_val", np.int32),
    types_pb2.DT_INT16: ("int_val", np.int32),
    types_pb2.DT_INT32: ("int_val", np.int32),
    types_pb2.DT_UINT8: ("int_val", np.int32),
    types_pb2.DT_UINT16: ("int_val", np.int32),
    types_pb2.DT_INT64: ("int64_val", np.int64),
    types_pb2.DT_UINT32: ("uint32_val", np.uint32),
    types_pb2.DT_UINT64: ("uint64_val", np.uint64),
    types_pb2.DT_BOOL: ("bool_val", np.bool_),
    types_pb2.DT_STRING: ("string_val", np.object_),
    types_pb2.DT_HALF: ("half_val", np.uint16),
    types_pb2.DT_BFLOAT16: ("half_val", np.uint16),
    types_pb2.DT_COMPLEX64: ("scomplex_val", np.float32),
    types_pb2.DT_COMPLEX128: ("dcomplex_val", np.float64),
}
_REINTERPRETED = (types_pb2.DT_HALF, types_pb2.DT_BFLOAT16, types_pb2.DT_COMPLEX64, types_pb2.DT_COMPLEX128)
_LENGTH_DELIMITED = 2  # the wire type of a packed repeated field

# What a tensor may need whose proto holds fewer values than its shape asks for, so that the last one is repeated.
MAX_REPEATED_BYTES = 2**28
_STRING_BYTES = 24  # of each string, in TensorFlow

_CPP_NAMES = {"float32": "float", "float64": "double", "float16": "half"}


def type_name(dtype: tf.DType) -> str:
    """Return a dtype's name as TensorFlow's error messages spell it (the C++ name)."""
    return _CPP_NAMES.get(dtype.name, dtype.name)


def shape_text(shape: Iterable[int]) -> str:
    """Return a shape as TensorFlow's error messages write it, like [2,3]."""
    return f"[{','.join(map(str, shape))}]"


def dtype_of(array: Array) -> tf.DType:
    """Return the TensorFlow dtype of an array; arrays of objects hold strings."""
    return tf.string if array.dtype == np.object_ else tf.as_dtype(array.dtype)


class OversizeError(ValueError):
    """A tensor with few values and a shape that asks for too many."""


def to_array(proto: tensor_pb2.TensorProto) -> Array:
    """Return a TensorProto's values, as a read-only view of `tensor_content` where that is filled.

    As in TensorFlow, too few values are filled up with the last one (none at all: with zeros) and too many are cut.
    Raises ValueError if the proto is no complete tensor of a known dtype, OversizeError if it would fill the memory.
    """
    if proto.dtype not in _FIELDS:
        raise ValueError(f"unknown dtype {proto.dtype}")
    shape = [dim.size for dim in proto.tensor_shape.dim]
    if proto.tensor_shape.unknown_rank or min(shape, default=0) < 0:
        raise ValueError("unknown shape")
    count = math.prod(shape)
    if proto.tensor_content:
        return _from_content(proto.tensor_content, proto.dtype, count).reshape(shape)
    field, stored = _FIELDS[proto.dtype]
    # Half-width floats travel in integers that may be too large: TensorFlow takes their lower half.
    values = np.fromiter(getattr(proto, field), np.int32 if stored is np.uint16 else stored).astype(stored, copy=False)
    dtype = tf.as_dtype(proto.dtype).as_numpy_dtype
    values = values.view(dtype) if proto.dtype in _REINTERPRETED else values.astype(dtype, copy=False)
    if len(values) < count:
        _check_size(shape, dtype)
        filler = values[-1] if len(values) else b"" if values.dtype == np.object_ else 0
        values = np.concatenate([values, np.full(count - len(values), filler, dtype)])
    return values[:count].reshape(shape)


def fill_proto(proto: tensor_pb2.TensorProto, array: Array, as_content: bool) -> None:
    """Write an array into an empty TensorProto: into its typed field, or into `tensor_content`."""
    dtype = dtype_of(array).as_datatype_enum
    field, stored = _FIELDS[dtype]
    proto.dtype = dtype
    proto.tensor_shape.SetInParent()  # a scalar has a shape too: the empty one
    for size in array.shape:
        proto.tensor_shape.dim.add().size = size
    flat = np.ascontiguousarray(array).reshape(-1)
    if as_content:
        proto.tensor_content = _encode_strings(flat) if dtype == types_pb2.DT_STRING else flat.tobytes()
        return
    if dtype in _REINTERPRETED:
        flat = flat.view(stored)
    if flat.dtype in (np.float32, np.float64):
        # Hand over the packed bytes as the wire carries them: a loop over the values costs fifty times as much.
        number = proto.DESCRIPTOR.fields_by_name[field].number
        proto.MergeFromString(_varint(number << 3 | _LENGTH_DELIMITED) + _varint(flat.nbytes) + flat.tobytes())
    else:
        getattr(proto, field).extend(flat.tolist())


def _check_size(shape: list[int], dtype: Any) -> None:
    size = math.prod(shape) * (_STRING_BYTES if np.dtype(dtype) == np.object_ else np.dtype(dtype).itemsize)
    if size > MAX_REPEATED_BYTES:
        raise OversizeError(
            f"its shape needs {size} bytes, its values were not sent, and {MAX_REPEATED_BYTES} is the limit"
        )


def _from_content(content: bytes, dtype: int, count: int) -> Array:
    if dtype == types_pb2.DT_STRING:
        return _decode_strings(content, count)
    values = np.frombuffer(content, tf.as_dtype(dtype).as_numpy_dtype)
    if len(values) != count:
        raise ValueError(f"tensor_content holds {len(values)} values, the shape needs {count}")
    return values


# Strings in tensor_content: the lengths as varints, then all the bytes.


def _encode_strings(strings: Array) -> bytes:
    return b"".join(itertools.chain(map(_varint, map(len, strings)), strings))


def _decode_strings(content: bytes, count: int) -> Array:
    lengths: list[int] = []
    length = shift = position = 0
    while len(lengths) < count:
        if position >= len(content):
            raise ValueError("tensor_content ends too early")
        byte = content[position]
        position += 1
        length |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            lengths.append(length)
            length = shift = 0
    if position + sum(lengths) != len(content):
        raise ValueError("tensor_content has the wrong length")
    ends = list(itertools.accumulate(lengths, initial=position))
    return np.fromiter((content[start:end] for start, end in itertools.pairwise(ends)), np.object_, count)


def _varint(number: int) -> bytes:
    groups = bytearray()
    while number > 0x7F:
        groups.append(number & 0x7F | 0x80)
        number >>= 7
    groups.append(number)
    return bytes(groups)
