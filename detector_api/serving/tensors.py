"""Conversion between Python values and TensorFlow's tensors on the wire."""

from __future__ import annotations

import math
import sys
from array import array
from collections.abc import Mapping

from detector_api.errors import ModelAnswerError
from detector_api.serving.protos import serving_pb2 as pb


def image_request(spec: pb.ModelSpec, pixels: bytes, width: int, height: int) -> bytes:
    """Return a serialised `PredictRequest` with one RGB image as the uint8 tensor `pixels` [1, height, width, 3].

    `pixels` are the image's bytes row by row. They are copied once, where protobuf copies them several times over and
    takes ten times as long. So they go last, and what encloses them is written here, with their length.
    """
    tensor = pb.TensorProto(dtype=pb.DT_UINT8)
    for length in (1, height, width, 3):
        tensor.tensor_shape.dim.add(size=length)
    head = tensor.SerializeToString() + _begin(pb.TensorProto.TENSOR_CONTENT_FIELD_NUMBER, len(pixels))
    entry = pb.PredictRequest.InputsEntry
    name = entry(key="pixels").SerializeToString()
    head = name + _begin(entry.VALUE_FIELD_NUMBER, len(head) + len(pixels)) + head
    head = _begin(pb.PredictRequest.INPUTS_FIELD_NUMBER, len(head) + len(pixels)) + head
    return b"".join((pb.PredictRequest(model_spec=spec).SerializeToString(), head, pixels))


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


def _begin(field: int, length: int) -> bytes:
    """Return what stands before a field of so many bytes on protobuf's wire: its number and type, and the length."""
    length_delimited = 2
    return _varint(field << 3 | length_delimited) + _varint(length)


def _varint(number: int) -> bytes:
    groups = bytearray()
    while number > 0x7F:
        groups.append(number & 0x7F | 0x80)
        number >>= 7
    groups.append(number)
    return bytes(groups)
