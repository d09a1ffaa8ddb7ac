"""Between Python values and TensorFlow's tensors on the wire."""

from __future__ import annotations

import math
import sys
from array import array
from collections.abc import Mapping

from detector_api.errors import ModelAnswerError
from detector_api.serving.protos import serving_pb2 as pb


def image_tensor(pixels: bytes, size: int) -> pb.TensorProto:
    """Return one RGB image as a uint8 tensor [1, size, size, 3]; `pixels` are its bytes row by row."""
    tensor = pb.TensorProto(dtype=pb.DT_UINT8, tensor_content=pixels)
    for length in (1, size, size, 3):
        tensor.tensor_shape.dim.add(size=length)
    return tensor


def read_strings(outputs: Mapping[str, pb.TensorProto], name: str) -> tuple[list[int], list[str]]:
    """Return shape and values of an output of text; raises `ModelAnswerError` if it is none."""
    tensor = _find(outputs, name, pb.DT_STRING)
    try:
        values = [value.decode() for value in tensor.string_val]
    except UnicodeDecodeError as error:
        raise ModelAnswerError(f"output {name!r} is no text") from error
    return _shape(tensor, name, len(values)), values


def read_probabilities(outputs: Mapping[str, pb.TensorProto], name: str) -> tuple[list[int], list[float]]:
    """Return shape and values, each within 0..1, of a float output; raises `ModelAnswerError` if it is none."""
    tensor = _find(outputs, name, pb.DT_FLOAT)
    values = array("f", tensor.float_val)
    if tensor.tensor_content:
        if len(tensor.tensor_content) % values.itemsize:
            raise ModelAnswerError(f"output {name!r} ends within a number")
        values.frombytes(tensor.tensor_content)
        if sys.byteorder == "big":  # the wire is little-endian
            values.byteswap()
    # A sum of rounded floats may exceed 1 by a little; anything more, or not a number, is no probability.
    if not all(-1e-4 <= value <= 1 + 1e-4 for value in values):
        raise ModelAnswerError(f"output {name!r} holds what is no probability")
    return _shape(tensor, name, len(values)), [min(max(value, 0.0), 1.0) for value in values]


def _find(outputs: Mapping[str, pb.TensorProto], name: str, dtype: pb.DataType) -> pb.TensorProto:
    # Asking a protobuf map for a missing key adds it, hence `in` first.
    if name not in outputs or outputs[name].dtype != dtype:
        raise ModelAnswerError(f"output {name!r} is missing or of another type")
    return outputs[name]


def _shape(tensor: pb.TensorProto, name: str, count: int) -> list[int]:
    shape = [dim.size for dim in tensor.tensor_shape.dim]
    if count == 0 or math.prod(shape) != count:
        raise ModelAnswerError(f"output {name!r} has {count} values for the shape {shape}")
    return shape
