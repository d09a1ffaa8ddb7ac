"""Decoding of REST classify and regress requests: JSON to tf.Examples."""

from __future__ import annotations

from typing import Any

from tensorflow.core.example import example_pb2, feature_pb2
from tensorflow_serving.apis import input_pb2

from local_server.errors import InvalidArgumentError, quote
from local_server.rest_api import json_text
from local_server.rest_api.json_tensor import is_base64, to_bytes
from local_server.rest_api.rapidjson import is_double
from local_server.rest_api.validation import format_error

_KINDS = {"bytes_list": "bytes", "float_list": "float", "int64_list": "int64"}


def read(document: dict[str, Any]) -> input_pb2.Input:
    """Return the examples of a request, with the context they share if it has one.

    Raises InvalidArgumentError with TensorFlow Serving's message if they cannot be examples.
    """
    context = _example(document["context"]) if "context" in document else None
    if "examples" not in document:
        raise format_error(document, "When method is classify, key 'examples' is expected and was not found")
    values = document["examples"]
    if not isinstance(values, list):
        raise format_error(document, "Expecting 'examples' value to be an list/array")
    if not values:
        raise format_error(document, "'examples' value is an empty array")
    examples = [_example(value) for value in values]
    if context is None:
        return input_pb2.Input(example_list=input_pb2.ExampleList(examples=examples))
    return input_pb2.Input(
        example_list_with_context=input_pb2.ExampleListWithContext(examples=examples, context=context)
    )


def _example(value: Any) -> example_pb2.Example:
    if not isinstance(value, dict):
        raise InvalidArgumentError(f"Example must be JSON object but got JSON {json_text.type_of(value)}")
    example = example_pb2.Example()
    for name, content in value.items():
        try:
            feature = example.features.feature[name]
        except UnicodeEncodeError as error:  # its bytes are no UTF-8
            raise InvalidArgumentError("JSON Parse error: Invalid encoding in string.") from error
        feature.SetInParent()
        for item in content if isinstance(content, list) else [content]:
            _add(feature, name, item)
    return example


def _add(feature: feature_pb2.Feature, name: str, item: Any) -> None:
    # A feature has the type of its first item.
    if isinstance(item, str) or is_base64(item):
        _expect(feature, name, "bytes_list")
        feature.bytes_list.value.append(to_bytes(item))
    elif is_double(item):
        _expect(feature, name, "float_list")
        feature.float_list.value.append(float(item))
    elif isinstance(item, int):  # true and false too
        _expect(feature, name, "int64_list")
        if item >= 2**63:
            raise InvalidArgumentError(f"Feature: {quote(name)} has uint64_t element. Only int64_t is supported.")
        feature.int64_list.value.append(int(item))
    else:
        raise InvalidArgumentError(
            f"Feature: {quote(name)} has element with unexpected JSON type: {json_text.type_of(item)}"
        )


def _expect(feature: feature_pb2.Feature, name: str, kind: str) -> None:
    found = feature.WhichOneof("kind")
    if found not in (None, kind):
        raise InvalidArgumentError(f"Unexpected element type in feature: {quote(name)} expecting type: {_KINDS[found]}")
