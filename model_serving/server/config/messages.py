"""Classes of the configuration messages that the package with TensorFlow Serving's protos leaves out."""

from __future__ import annotations

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_PACKAGE = "tensorflow.serving"
_KIND = descriptor_pb2.FieldDescriptorProto

# Names and types of the fields, numbered from 1 in this order.
_MESSAGES = {
    "PrometheusConfig": {"enable": _KIND.TYPE_BOOL, "path": _KIND.TYPE_STRING},
    "MonitoringConfig": {"prometheus_config": "PrometheusConfig"},
    "SSLConfig": {
        "server_key": _KIND.TYPE_STRING,
        "server_cert": _KIND.TYPE_STRING,
        "custom_ca": _KIND.TYPE_STRING,
        "client_verify": _KIND.TYPE_BOOL,
    },
}


def _pool() -> descriptor_pool.DescriptorPool:
    file = descriptor_pb2.FileDescriptorProto(name="server_config.proto", package=_PACKAGE, syntax="proto3")
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for number, (field_name, kind) in enumerate(fields.items(), start=1):
            field = message.field.add(name=field_name, number=number, label=_KIND.LABEL_OPTIONAL)
            if isinstance(kind, str):
                field.type, field.type_name = _KIND.TYPE_MESSAGE, f".{_PACKAGE}.{kind}"
            else:
                field.type = kind
    pool = descriptor_pool.DescriptorPool()  # one of its own: the default pool may get the real messages some day
    pool.Add(file)
    return pool


def _class(name: str) -> Any:
    return message_factory.GetMessageClass(_DESCRIPTORS.FindMessageTypeByName(f"{_PACKAGE}.{name}"))


_DESCRIPTORS = _pool()

MonitoringConfig = _class("MonitoringConfig")
SSLConfig = _class("SSLConfig")
