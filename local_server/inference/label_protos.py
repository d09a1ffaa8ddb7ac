"""Classification messages whose labels are bytes, which may be no UTF-8: TensorFlow Serving sends those as they are.

On the wire they are the messages of the same names; Python's own would refuse to hold such labels.
"""

from __future__ import annotations

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.descriptor import FileDescriptor
from tensorflow_serving.apis import inference_pb2

_PACKAGE = "tensorflow.serving"


def _add(pool: descriptor_pool.DescriptorPool, file: FileDescriptor, added: set[str]) -> None:
    if file.name in added:
        return
    added.add(file.name)
    for dependency in file.dependencies:
        _add(pool, dependency, added)
    copy = descriptor_pb2.FileDescriptorProto()
    file.CopyToProto(copy)
    for message in copy.message_type:
        for field in message.field:
            if (message.name, field.name) == ("Class", "label"):
                field.type = descriptor_pb2.FieldDescriptorProto.TYPE_BYTES
    pool.Add(copy)


def _class(name: str) -> Any:
    return message_factory.GetMessageClass(_POOL.FindMessageTypeByName(f"{_PACKAGE}.{name}"))


_POOL = descriptor_pool.DescriptorPool()
_add(_POOL, inference_pb2.DESCRIPTOR, set())

ClassificationResult = _class("ClassificationResult")
ClassificationResponse = _class("ClassificationResponse")
InferenceResult = _class("InferenceResult")
MultiInferenceResponse = _class("MultiInferenceResponse")
