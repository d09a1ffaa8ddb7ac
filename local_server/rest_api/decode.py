"""Decoding of REST predictions: JSON to arrays.

Well-formed values are converted level by level, with loops in C. Only when that fails are they walked one by one, to
find what TensorFlow Serving would complain about first and to say it in its words.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from local_server.errors import InvalidArgumentError
from local_server.inference.tensors import Array
from local_server.rest_api import json_reader, validation
from local_server.rest_api.json_tensor import is_named, shape_of, to_array

Inputs = Mapping[str, tf.DType]


@dataclass(frozen=True)
class Prediction:
    """A parsed request: arrays by input, and whether the reply is to be in rows, as the request was."""

    inputs: dict[str, Array]
    in_rows: bool


def parse_object(body: bytes) -> dict[str, Any]:
    """Return the JSON object in a request's body."""
    document = json_reader.parse(body)
    if not isinstance(document, dict):
        raise validation.format_error(document, "Is not object")
    return document


def signature_name(document: dict[str, Any]) -> str:
    """Return the request's signature name, or the empty string."""
    name = document.get("signature_name", "")
    if not isinstance(name, str):
        raise validation.format_error(document, "not formatted correctly. 'signature_name' key must be a string value.")
    return name


def prediction(document: dict[str, Any], inputs: Inputs) -> Prediction:
    """Return the arrays in a request, for a signature with inputs of these dtypes."""
    if "instances" in document and "inputs" in document:
        raise validation.format_error(
            document, "Not formatted correctly expecting only one of 'inputs' or 'instances' keys to exist "
        )
    if "instances" in document:
        rows = document["instances"]
        if not isinstance(rows, list):
            raise validation.format_error(document, "Expecting 'instances' to be an list/array")
        if not rows:
            raise validation.format_error(document, "No values in 'instances' array")
        return Prediction(_from_rows(rows, inputs), in_rows=True)
    if "inputs" in document:
        return Prediction(_from_columns(document["inputs"], inputs), in_rows=False)
    raise InvalidArgumentError("Missing 'inputs' or 'instances' key")


def _from_rows(rows: list[Any], inputs: Inputs) -> dict[str, Array]:
    if len(inputs) > 1 and not isinstance(rows[0], dict):
        raise InvalidArgumentError(
            "instances is a plain list, but expecting list of objects as multiple input tensors required as per "
            "tensorinfo_map"
        )
    columns: dict[str, list[Any]] = {}
    if not is_named(rows[0]):
        columns = {next(iter(inputs)): rows}
    elif all(is_named(row) and row.keys() == inputs.keys() for row in rows):
        columns = {name: [row[name] for row in rows] for name in inputs}
    arrays = {}
    for name, column in columns.items():
        array = to_array(column, inputs[name])
        if array is None:
            break
        arrays[name] = array
    if not columns or len(arrays) < len(columns):
        validation.validate_rows(rows, inputs)
        raise _no_tensor(next(iter(inputs.keys() - arrays.keys())))
    return arrays


def _from_columns(value: Any, inputs: Inputs) -> dict[str, Array]:
    if not is_named(value):
        if len(inputs) > 1:
            raise InvalidArgumentError(
                "inputs is a plain value/list, but expecting an object as multiple input tensors required as per "
                "tensorinfo_map"
            )
        value = {next(iter(inputs)): value}
    arrays = {}
    for name, dtype in inputs.items():
        if name not in value:
            raise InvalidArgumentError(f"Missing named input: {name} in 'inputs' object.")
        array = to_array(value[name], dtype)
        if array is None:
            validation.validate_value(value[name], shape_of(value[name]), dtype)
            raise _no_tensor(name)
        arrays[name] = array
    return arrays


def _no_tensor(name: str) -> InvalidArgumentError:
    # The values are sound, but nested deeper than a tensor can be.
    return InvalidArgumentError(f"tensor parsing error: {name}")
