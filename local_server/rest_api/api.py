"""The REST API: status, metadata, predict, classify and regress, with TensorFlow Serving's paths, codes and bodies.

Nothing here knows HTTP but its status codes; `server.py` does.
"""

from __future__ import annotations

import logging
import re
import time
import urllib.parse

import tensorflow as tf
from google.protobuf import json_format, message
from tensorflow_serving.apis import get_model_metadata_pb2, model_pb2

from local_server.errors import Code, DeadlineExceededError, InvalidArgumentError, as_status_error, quote, truncated
from local_server.inference.classify import CLASSIFY
from local_server.inference.example_method import ExampleMethod, Result
from local_server.inference.predict import DEFAULT_SIGNATURE, predict
from local_server.inference.regress import REGRESS
from local_server.lifecycle import replies
from local_server.lifecycle.manager import ModelManager
from local_server.monitoring.instruments import observed
from local_server.rest_api import decode, encode, examples

_VERSION = r"(?:/versions/(?P<version>\d+)|/labels/(?P<label>[^/:]+))?"
_PREDICTION = re.compile(rf"/v1/models/(?P<name>[^/:]+){_VERSION}:(?P<call>classify|regress|predict)", re.IGNORECASE)
_INFORMATION = re.compile(rf"/v1/models(?:/(?P<name>[^/:]+))?{_VERSION}(?:/(?P<call>metadata))?", re.IGNORECASE)

# Paths may be written in capitals, but for these.
_CALLS = ("classify", "regress", "predict")

_MAX_INT64 = 2**63 - 1

_HTTP_STATUS = {
    Code.CANCELLED: 499,
    Code.INVALID_ARGUMENT: 400,
    Code.DEADLINE_EXCEEDED: 504,
    Code.NOT_FOUND: 404,
    Code.ALREADY_EXISTS: 409,
    Code.PERMISSION_DENIED: 403,
    Code.RESOURCE_EXHAUSTED: 429,
    Code.FAILED_PRECONDITION: 400,
    Code.ABORTED: 409,
    Code.OUT_OF_RANGE: 400,
    Code.UNIMPLEMENTED: 501,
    Code.UNAVAILABLE: 503,
    Code.UNAUTHENTICATED: 401,
}  # all others are 500

_log = logging.getLogger(__name__)


class RestApi:
    """Handler of REST requests; `answer` may be called from many threads."""

    def __init__(self, manager: ModelManager, timeout_ms: int) -> None:
        self._manager = manager
        self._timeout_ms = timeout_ms if timeout_ms > 0 else None

    def answer(self, method: str, path: str, body: bytes, arrival: float) -> tuple[int, str]:
        """Return the HTTP status and the JSON text for a request.

        Args:
            method: POST, GET, or another one.
            path: As sent, with its escapes.
            body: The JSON, not compressed.
            arrival: When the request came, on the monotonic clock: its time limit runs from then.
        """
        try:
            return 200, self._dispatch(method, path, body, arrival)
        except Exception as exception:
            error = as_status_error(exception)
            if error.code is Code.UNKNOWN:
                _log.exception("%s %s failed", method, path)
            return _HTTP_STATUS.get(error.code, 500), encode.error(truncated(error.message))

    def _dispatch(self, method: str, path: str, body: bytes, arrival: float) -> str:
        pattern = {"POST": _PREDICTION, "GET": _INFORMATION}.get(method)
        match = pattern.fullmatch(path) if pattern else None
        name = urllib.parse.unquote(match["name"] or "") if match else ""
        call = match["call"] if match else None
        # As in TensorFlow Serving, every request counts, and what is asked about a model has no API.
        with observed(name, call or "" if method == "POST" else "", "REST"):
            if match is None or (method == "POST" and call not in _CALLS):
                raise InvalidArgumentError(f"Malformed request: {method} {quote(path)}")
            if not name:
                raise InvalidArgumentError("Missing model name in request.")
            spec = _model_spec(name, match["version"], match["label"])
            if method == "POST":
                return self._infer(match["call"], spec, body, arrival)
            if call == "metadata":
                return self._metadata(spec)
            return _to_json(replies.status(self._manager, spec))

    def _infer(self, call: str, spec: model_pb2.ModelSpec, body: bytes, arrival: float) -> str:
        if call == "predict":
            return self._predict(spec, body, arrival)
        if call == "classify":
            return encode.classifications(self._run(CLASSIFY, spec, body, arrival))
        return encode.regressions(self._run(REGRESS, spec, body, arrival))

    def _predict(self, spec: model_pb2.ModelSpec, body: bytes, arrival: float) -> str:
        document = decode.parse_object(body)
        name = decode.signature_name(document)
        with self._manager.acquire(spec) as (_, servable):
            signature = servable.signatures.get(name or DEFAULT_SIGNATURE)
            if signature is None:
                raise InvalidArgumentError(
                    f'Serving signature name: "{quote(name or DEFAULT_SIGNATURE)}" not found in signature def'
                )
            if not signature.inputs:
                raise InvalidArgumentError(f"Failed to get input map for signature: {name or 'DEFAULT'}")
            inputs = {alias: tf.as_dtype(info.dtype) for alias, info in sorted(signature.inputs.items())}
            prediction = decode.prediction(document, inputs)
            outputs = predict(servable, name, prediction.inputs, timeout_ms=self._time_left(arrival))
        return encode.in_rows(outputs) if prediction.in_rows else encode.in_columns(outputs)

    def _run(self, method: ExampleMethod[Result], spec: model_pb2.ModelSpec, body: bytes, arrival: float) -> Result:
        document = decode.parse_object(body)
        name, read = decode.signature_name(document), examples.read(document)
        with self._manager.acquire(spec) as (_, servable):
            return method.run(servable, name, read, self._time_left(arrival))

    def _time_left(self, arrival: float) -> int | None:
        if self._timeout_ms is None:
            return None
        left = self._timeout_ms - int((time.monotonic() - arrival) * 1000)
        if left <= 0:
            raise DeadlineExceededError("Timed out waiting for notification")  # as TensorFlow says it of a run
        return left

    def _metadata(self, spec: model_pb2.ModelSpec) -> str:
        field = replies.SIGNATURE_DEF
        request = get_model_metadata_pb2.GetModelMetadataRequest(model_spec=spec, metadata_field=[field])
        response = replies.metadata(self._manager, request)
        signatures = get_model_metadata_pb2.SignatureDefMap()
        response.metadata[field].Unpack(signatures)
        # Two documents glued together, line breaks and all, as TensorFlow Serving does it.
        return (
            f'{{\n"model_spec":{_to_json(response.model_spec)},\n'
            f'"metadata": {{"{field}": {_to_json(signatures)}}}\n}}\n'
        )


def _model_spec(name: str, version: str | None, label: str | None) -> model_pb2.ModelSpec:
    spec = model_pb2.ModelSpec(name=name)
    if label:
        spec.version_label = urllib.parse.unquote(label)
    if version:
        if int(version) > _MAX_INT64:
            raise InvalidArgumentError(f"Failed to convert version: {quote(version)} to numeric.")
        spec.version.value = int(version)
    return spec


def _to_json(proto: message.Message) -> str:
    text = json_format.MessageToJson(
        proto, indent=1, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )
    return f"{text}\n"
