"""The OpenAPI document: valid, complete, with examples that are what they illustrate, and nothing of the inside."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from detector_api.main import create_app
from detector_api.settings import Settings

DOCUMENT: dict[str, Any] = create_app(Settings()).openapi()
OPERATIONS = {
    operation["operationId"]: operation for verbs in DOCUMENT["paths"].values() for operation in verbs.values()
}


def valid(schema: dict[str, Any], value: Any) -> bool:
    """Tell whether a value fits a schema of the document, which may refer to its components."""
    Draft202012Validator(schema | {"components": DOCUMENT["components"]}).validate(value)
    return True


def test_document_is_valid_openapi() -> None:
    """The document is what the standard says, so that generators of clients can read it."""
    validate(DOCUMENT)


def test_operation_ids_are_plain_names() -> None:
    """Generated clients get methods with names that one would give them."""
    assert set(OPERATIONS) >= {"predict_breed", "predict_breeds", "read_model", "check_alive", "check_ready"}
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)+", name) for name in OPERATIONS)


@pytest.mark.parametrize("name", OPERATIONS)
def test_operation_is_described_with_examples(name: str) -> None:
    """Each operation says what it does, each parameter what it means, and each JSON answer shows a valid example."""
    operation = OPERATIONS[name]
    assert operation["summary"]
    assert operation["description"]
    assert all(parameter["description"] for parameter in operation.get("parameters", ()))
    assert "500" in operation["responses"]
    for status, response in operation["responses"].items():
        for kind, content in response["content"].items():
            shown = list(examples(content))
            assert shown or "json" not in kind, (status, kind)
            assert all(valid(content["schema"], example) for example in shown)


def examples(content: dict[str, Any]) -> Iterator[Any]:
    """Yield the examples of a body: its own, or those of its schema, of whichever kind it may be."""
    yield from (example["value"] for example in content.get("examples", {}).values())
    schema = content.get("schema", {})
    for one in schema.get("anyOf", [schema]):
        if reference := one.get("$ref"):
            component = DOCUMENT["components"]["schemas"][reference.rpartition("/")[2]]
            yield from [component["example"]] if "example" in component else component.get("examples", ())


def test_stream_lines_have_their_types() -> None:
    """The lines of a stream are documented under their own media type: a prediction or an error."""
    (kind,) = OPERATIONS["predict_breeds"]["responses"]["200"]["content"].items()
    assert kind[0] == "application/x-ndjson"
    assert {one["$ref"].rpartition("/")[2] for one in kind[1]["schema"]["anyOf"]} == {"PredictionLine", "ErrorLine"}


def test_document_names_nothing_of_the_inside() -> None:
    """No address, path, library or class of ours is told to strangers."""
    text = json.dumps(DOCUMENT)
    for internal in ("127.0.0.1", "localhost", "site-packages", "Traceback", "grpc", "gRPC", "detector_api", "PIL"):
        assert internal not in text
    assert not re.search(r"[A-Z]\w+Error\b", text)
