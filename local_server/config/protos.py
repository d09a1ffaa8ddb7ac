"""Configuration messages that the package of TensorFlow Serving's protos leaves out."""

from __future__ import annotations

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, wrappers_pb2

_PACKAGE = "tensorflow.serving"
_KIND = descriptor_pb2.FieldDescriptorProto

_INTEGER, _TEXT, _BOOLEAN = (f".google.protobuf.{kind}Value" for kind in ("Int64", "String", "Bool"))

# Names and types of the fields, numbered from 1 in this order; a type in a list is that of a repeated field.
_MESSAGES: dict[str, dict[str, Any]] = {
    "PrometheusConfig": {"enable": _KIND.TYPE_BOOL, "path": _KIND.TYPE_STRING},
    "MonitoringConfig": {"prometheus_config": f".{_PACKAGE}.PrometheusConfig"},
    "SSLConfig": {
        "server_key": _KIND.TYPE_STRING,
        "server_cert": _KIND.TYPE_STRING,
        "custom_ca": _KIND.TYPE_STRING,
        "client_verify": _KIND.TYPE_BOOL,
    },
    "BatchingParameters": {
        "max_batch_size": _INTEGER,
        "batch_timeout_micros": _INTEGER,
        "max_enqueued_batches": _INTEGER,
        "num_batch_threads": _INTEGER,
        "thread_pool_name": _TEXT,
        "allowed_batch_sizes": [_KIND.TYPE_INT64],
        "pad_variable_length_inputs": _KIND.TYPE_BOOL,
        "enable_large_batch_splitting": _BOOLEAN,
        "max_execution_batch_size": _INTEGER,
    },
}


def _pool() -> descriptor_pool.DescriptorPool:
    wrappers = wrappers_pb2.DESCRIPTOR
    file = descriptor_pb2.FileDescriptorProto(
        name="server_config.proto", package=_PACKAGE, syntax="proto3", dependency=[wrappers.name]
    )
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for number, (field_name, kind) in enumerate(fields.items(), start=1):
            field = message.field.add(name=field_name, number=number, label=_KIND.LABEL_OPTIONAL)
            if isinstance(kind, list):
                field.type, field.label = kind[0], _KIND.LABEL_REPEATED
            elif isinstance(kind, str):
                field.type, field.type_name = _KIND.TYPE_MESSAGE, kind
            else:
                field.type = kind
    pool = descriptor_pool.DescriptorPool()  # one of its own: the default pool may get the real messages some day
    pool.AddSerializedFile(wrappers.serialized_pb)
    pool.Add(file)
    return pool


def _class(name: str) -> Any:
    return message_factory.GetMessageClass(_DESCRIPTORS.FindMessageTypeByName(f"{_PACKAGE}.{name}"))


_DESCRIPTORS = _pool()

MonitoringConfig = _class("MonitoringConfig")
SSLConfig = _class("SSLConfig")
BatchingParameters = _class("BatchingParameters")
