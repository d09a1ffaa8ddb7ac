"""A version that runs in TensorFlow Lite: its `model.tflite`, served instead of the SavedModel."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from flatbuffers import flexbuffers
from tensorflow.core.protobuf import meta_graph_pb2

from local_server.errors import Code, InvalidArgumentError, StatusError
from local_server.inference.predict import DEFAULT_SIGNATURE
from local_server.inference.tensors import Array, dtype_of, type_name

FILE_NAME = "model.tflite"

# The entry of the flatbuffer's metadata in which TensorFlow Serving's tools keep SignatureDefs.
_SIGNATURES_KEY = b"signature_defs_metadata"


class TfLiteServable:
    """A `model.tflite` in memory. It has one interpreter, so that requests take turns."""

    checks_method_names = False

    def __init__(self, interpreter: tf.lite.Interpreter, signatures: Mapping[str, meta_graph_pb2.SignatureDef]) -> None:
        self.signatures = signatures
        self._interpreter = interpreter
        self._outputs = {detail["name"]: detail["index"] for detail in interpreter.get_output_details()}
        self._lock = threading.Lock()

    @classmethod
    def load(cls, path: Path) -> TfLiteServable:
        """Load `model.tflite` of the folder `path`; raise StatusError if it is damaged."""
        content = (path / FILE_NAME).read_bytes()
        try:
            interpreter = tf.lite.Interpreter(model_content=content)
            interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise InvalidArgumentError(f"Cannot build FlatBufferModel from buffer. {error}") from error
        return cls(interpreter, _stored_signatures(content, interpreter) or _made_up_signature(interpreter))

    def run(
        self, feeds: Mapping[str, Array], fetches: Mapping[str, str], wanted: Sequence[str], timeout_ms: int | None
    ) -> dict[str, Array]:
        """Return the outputs `wanted`, by alias; see `servable.Servable`. A run, once begun, is not given up."""
        with self._lock:
            try:
                self._feed(feeds)
                self._interpreter.invoke()
            except (ValueError, RuntimeError) as error:
                raise StatusError(f"Failed to invoke TfLite interpreter: {error}", Code.INTERNAL) from error
            return {alias: self._fetch(fetches[alias]) for alias in wanted}

    def close(self) -> None:
        """Free the interpreter and its weights."""
        del self._interpreter

    def _feed(self, feeds: Mapping[str, Array]) -> None:
        details = {detail["name"]: detail for detail in self._interpreter.get_input_details()}
        for name, array in feeds.items():
            actual, expected = dtype_of(array), tf.as_dtype(details[name]["dtype"])
            if actual != expected:
                raise InvalidArgumentError(
                    f"Type mismatch: actual {type_name(actual)} vs. expect {type_name(expected)}"
                )
        misfits = {name for name, array in feeds.items() if tuple(details[name]["shape"]) != array.shape}
        for name in misfits:
            self._interpreter.resize_tensor_input(details[name]["index"], feeds[name].shape)
        if misfits:
            self._interpreter.allocate_tensors()
        for name, array in feeds.items():
            self._interpreter.set_tensor(details[name]["index"], array)

    def _fetch(self, name: str) -> Array:
        value = self._interpreter.get_tensor(self._outputs[name])  # a copy, since the next run overwrites it
        return value.astype(np.object_) if value.dtype.kind == "S" else value


def _stored_signatures(content: bytes, interpreter: tf.lite.Interpreter) -> dict[str, meta_graph_pb2.SignatureDef]:
    from tensorflow.lite.python import schema_py_generated as schema  # slow, and few servers need it

    model = schema.Model.GetRootAs(content)
    entries = (model.Metadata(index) for index in range(model.MetadataLength()))
    buffers = [entry.Buffer() for entry in entries if entry.Name() == _SIGNATURES_KEY]
    if not buffers:
        return {}
    stored = flexbuffers.GetRoot(bytearray(model.Buffers(buffers[0]).DataAsNumpy())).AsMap
    signatures = {}
    for key, value in zip(stored.Keys, stored.Values, strict=True):
        signature = meta_graph_pb2.SignatureDef.FromString(bytes(value.AsStringBytes))
        _correct_names("input", signature.inputs, interpreter.get_input_details())
        _correct_names("output", signature.outputs, interpreter.get_output_details())
        signatures[key.AsKey] = signature
    return signatures


def _correct_names(kind: str, infos: Mapping[str, meta_graph_pb2.TensorInfo], details: list[dict[str, Any]]) -> None:
    names = {detail["name"] for detail in details}
    for alias, info in infos.items():
        if info.name not in names:
            info.name = _base_name(info.name)
        if info.name not in names:
            raise StatusError(
                f"Unknown tensor '{info.name}'.\n\tSignature {kind} {alias} references an unknown tensor",
                Code.INTERNAL,
            )


def _made_up_signature(interpreter: tf.lite.Interpreter) -> dict[str, meta_graph_pb2.SignatureDef]:
    signature = meta_graph_pb2.SignatureDef(method_name="tensorflow/serving/predict")
    for infos, details in (
        (signature.inputs, interpreter.get_input_details()),
        (signature.outputs, interpreter.get_output_details()),
    ):
        for detail in details:
            info = infos[_base_name(detail["name"])]
            info.name = detail["name"]
            info.dtype = tf.as_dtype(detail["dtype"]).as_datatype_enum
            for size in detail["shape"].tolist():
                info.tensor_shape.dim.add().size = size
    return {DEFAULT_SIGNATURE: signature}


def _base_name(name: str) -> str:
    # Early converters cut the number of the operation's output off a tensor's name.
    return name.partition(":")[0]
