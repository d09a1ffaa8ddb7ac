"""Validation of a REST prediction, worded as TensorFlow Serving words its errors.

The document is walked value by value, in its order. Each function returns if it finds nothing wrong.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from local_server.errors import InvalidArgumentError, StatusError, UnimplementedError, quote
from local_server.inference.tensors import shape_text, type_name
from local_server.rest_api import json_text
from local_server.rest_api.json_tensor import JSON_TYPES, is_base64, is_named, shape_of, to_array, to_bytes

_END = object()


def format_error(value: Any, text: str) -> InvalidArgumentError:
    """Return the error that quotes a JSON value."""
    return InvalidArgumentError(f"JSON Value: {json_text.show(value)} {text}")


def validate_rows(rows: list[Any], inputs: Mapping[str, tf.DType]) -> None:
    """Raise InvalidArgumentError for the first fault in an `instances` list."""
    named = is_named(rows[0])
    shapes: dict[str, list[int]] = {}
    for index, row in enumerate(rows):
        if named != is_named(row):
            wanted, got = ("object", "list") if named else ("value/list", "object")
            raise InvalidArgumentError(f"Expecting {wanted} but got {got} at item {index} of input list")
        for name, value in row.items() if named else [(next(iter(inputs)), row)]:
            try:
                _validate_item(name, value, inputs, shapes)
            except StatusError as error:
                key = f" key: {quote(name)}" if named else ""
                raise InvalidArgumentError(
                    f"Failed to process element: {index}{key} of 'instances' list. Error: {error}"
                ) from error
        if named and row.keys() != inputs.keys():
            raise InvalidArgumentError(
                f"Failed to process element: {index} of 'instances' list. JSON object: {json_text.show(row)} "
                f"keys must be equal to: {','.join(sorted(inputs))}"
            )


def _validate_item(name: str, value: Any, inputs: Mapping[str, tf.DType], shapes: dict[str, list[int]]) -> None:
    if name not in inputs:
        raise InvalidArgumentError(f"JSON object: does not have named input: {quote(name)}")
    shape = shape_of(value)
    validate_value(value, shape, inputs[name])
    first = shapes.setdefault(name, shape)
    if math.prod(first) != math.prod(shape):
        raise InvalidArgumentError(f"Expecting tensor size: {math.prod(first)} but got: {math.prod(shape)}")
    if first != shape:
        raise InvalidArgumentError(f"Expecting shape {shape_text(first)} but got: {shape_text(shape)}")


def validate_value(value: Any, shape: list[int], dtype: tf.DType) -> None:
    """Raise a StatusError for the first value that does not fit the shape or the dtype."""
    open_lists = [iter([value])]  # not a recursion: lists may be nested deeper than Python's calls
    while open_lists:
        item = next(open_lists[-1], _END)
        level = len(open_lists) - 1
        if item is _END:
            open_lists.pop()
        elif isinstance(item, list):
            _validate_list(item, level, shape)
            open_lists.append(iter(item))
        elif level != len(shape):
            raise format_error(
                item, f"found at incorrect level: {level + 1} in the JSON DOM. Expected at level: {len(shape)}"
            )
        else:
            _validate_leaf(item, dtype)


def _validate_list(items: list[Any], level: int, shape: list[int]) -> None:
    if level >= len(shape):
        raise InvalidArgumentError(f"Encountered list at unexpected level: {level} expected < {len(shape)}")
    if len(items) != shape[level]:
        raise InvalidArgumentError(
            f"Encountered list at unexpected size: {len(items)} at level: {level} expected size: {shape[level]}"
        )


def _validate_leaf(value: Any, dtype: tf.DType) -> None:
    if isinstance(value, dict) and dtype == tf.string:
        if not is_base64(value):
            raise format_error(value, "not formatted correctly for base64 data")
        to_bytes(value)
        return
    if not isinstance(value, dict) and dtype not in JSON_TYPES:
        raise UnimplementedError(f"Conversion of JSON Value: {json_text.show(value)} to type: {type_name(dtype)}")
    if isinstance(value, dict) or to_array(value, dtype) is None:
        raise format_error(value, f"Type: {json_text.type_of(value)} is not of expected type: {type_name(dtype)}")
