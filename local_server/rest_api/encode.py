"""Encoding of REST replies: arrays to JSON, in TensorFlow Serving's layout."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import regression_pb2

from local_server.errors import InvalidArgumentError
from local_server.inference.tensors import Array, dtype_of, type_name
from local_server.rest_api import json_text
from local_server.rest_api.json_tensor import JSON_TYPES
from local_server.rest_api.json_text import quoted
from local_server.rest_api.rapidjson import to_text

# String outputs whose name ends so hold bytes rather than text, and are written in base64.
_BYTES_SUFFIX = "_bytes"


def in_rows(outputs: Mapping[str, Array]) -> str:
    """Return `{"predictions": [...]}` with an item for each row; of several outputs, each item is an object."""
    _check_batch(outputs)
    several = len(outputs) > 1
    depth = 3 if several else 2
    columns = {
        name: [_listed(row, depth, on_one_line=True) for row in _texts(name, outputs[name], depth - 1)]
        for name in sorted(outputs)
    }
    rows = list(zip(*columns.values(), strict=True))
    if not rows:
        return _object({"predictions": "[]"}, 0)
    if several:
        items = ",".join(_indented(2, _object(dict(zip(columns, row, strict=True)), 2)) for row in rows)
    else:
        items = ", ".join(text for (text,) in rows)
    return _object({"predictions": f"[{items}{_indented(1, ']')}"}, 0)


def in_columns(outputs: Mapping[str, Array]) -> str:
    """Return `{"outputs": ...}` with the one output's values, or an object of all outputs' values."""
    depth = 2 if len(outputs) > 1 else 1
    columns = {name: _listed(_texts(name, outputs[name], depth), depth, on_one_line=False) for name in sorted(outputs)}
    return _object({"outputs": _object(columns, 1) if len(columns) > 1 else next(iter(columns.values()))}, 0)


def classifications(result: Any) -> str:
    """Return `{"results": [...]}` of a ClassificationResult: for each example a list of pairs of label and score."""
    if not result.classifications:
        raise InvalidArgumentError("Cannot convert empty ClassificationResults to JSON")
    rows = []
    for classes in (classification.classes for classification in result.classifications):
        scores = json_text.decimals(np.fromiter((entry.score for entry in classes), np.float32, len(classes)))
        pairs = (f"[{quoted(to_text(entry.label))}, {score}]" for entry, score in zip(classes, scores, strict=True))
        rows.append(f"[{', '.join(pairs)}]")
    return _object({"results": f"[{', '.join(rows)}{_indented(1, ']')}"}, 0)


def regressions(result: regression_pb2.RegressionResult) -> str:
    """Return `{"results": [...]}` with a number for each example."""
    if not result.regressions:
        raise InvalidArgumentError("Cannot convert empty RegressionResults to JSON")
    values = np.fromiter((entry.value for entry in result.regressions), np.float32, len(result.regressions))
    return _object({"results": f"[{', '.join(json_text.decimals(values))}]"}, 0)


def error(message: str) -> str:
    """Return the body of a failed request."""
    return _object({"error": quoted(message)}, 0)


def _check_batch(outputs: Mapping[str, Array]) -> None:
    expected = None
    for name, array in sorted(outputs.items()):
        if array.ndim == 0:
            raise InvalidArgumentError(f"Tensor name: {name} has no shape information ")
        size = len(array)
        if expected not in (None, size):
            raise InvalidArgumentError(f"Tensor name: {name} has inconsistent batch size: {size} expecting: {expected}")
        expected = size


def _texts(name: str, array: Array, depth: int) -> Any:
    """Return an array's values as JSON, in nested lists; `depth` is how many brackets stand around the array."""
    dtype = dtype_of(array)
    if dtype not in JSON_TYPES:
        raise InvalidArgumentError(f"Failed to write JSON value for tensor type: {type_name(dtype)}")
    flat = array.reshape(-1)
    if dtype == tf.string and name.endswith(_BYTES_SUFFIX):
        texts = [_base64(value, depth + array.ndim) for value in flat]
    elif dtype == tf.string:
        texts = [quoted(to_text(value)) for value in flat]
    elif dtype.is_floating:
        texts = json_text.decimals(flat)
    else:
        texts = [json.dumps(value) for value in flat.tolist()]
    return np.array(texts, np.object_).reshape(array.shape).tolist()


def _base64(value: bytes, depth: int) -> str:
    return _object({"b64": f'"{base64.b64encode(value).decode("ascii")}"'}, depth)


def _listed(texts: Any, depth: int, on_one_line: bool) -> str:
    if not isinstance(texts, list):
        return str(texts)
    items = [_listed(item, depth + 1, on_one_line) for item in texts]
    if on_one_line or not items:
        return f"[{', '.join(items)}]"
    return f"[{','.join(_indented(depth + 1, item) for item in items)}{_indented(depth, ']')}"


def _object(members: Mapping[str, str], depth: int) -> str:
    lines = (_indented(depth + 1, f"{quoted(name)}: {text}") for name, text in members.items())
    return f"{{{','.join(lines)}{_indented(depth, '}')}"


def _indented(depth: int, text: str) -> str:
    return f"\n{' ' * 4 * depth}{text}"
