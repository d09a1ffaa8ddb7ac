"""The batching parameters file: TensorFlow Serving's `BatchingParameters`, in the text format of protocol buffers."""

from __future__ import annotations

import itertools
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format, wrappers_pb2

from model_serving.server.errors import InvalidArgumentError, NotFoundError

# The file that a version brings its own parameters in, with --enable_per_model_batching_parameters.
PER_MODEL_FILE = "batching_params.pbtxt"


@dataclass(frozen=True)
class BatchingParameters:
    """How requests are gathered into batches; a field that the file leaves out has TensorFlow Serving's default.

    A batch holds at most `max_batch_size` rows, the size of the largest request; or `max_execution_batch_size` if
    `enable_large_batch_splitting` lets requests be cut up. It waits `batch_timeout_micros` for more rows. At most
    `max_enqueued_batches` of a kind wait, and `num_batch_threads` run at once. A batch is filled up to the next of
    `allowed_batch_sizes`; `pad_variable_length_inputs` fills up inputs of different shapes so that they fit together.

    Raises InvalidArgumentError if the values do not go together.
    """

    max_batch_size: int = 1000
    batch_timeout_micros: int = 0
    max_enqueued_batches: int = 10
    num_batch_threads: int = os.cpu_count() or 1
    thread_pool_name: str = "batch_threads"
    allowed_batch_sizes: tuple[int, ...] = ()
    pad_variable_length_inputs: bool = False
    enable_large_batch_splitting: bool = False
    max_execution_batch_size: int = 0  # 0: max_batch_size

    def __post_init__(self) -> None:
        for name in ("max_batch_size", "num_batch_threads", "execution_limit"):
            if (value := getattr(self, name)) < 1:
                raise InvalidArgumentError(f"{name} must be positive; was {value}")
        if self.batch_timeout_micros < 0:
            raise InvalidArgumentError(f"batch_timeout_micros must be non-negative; was {self.batch_timeout_micros}")
        if self.execution_limit > self.max_batch_size:
            raise InvalidArgumentError(
                "When enable_large_batch_splitting is true, max_batch_size must be greater than or equal to "
                f"max_execution_batch_size; was {self.max_batch_size}, expected {self.execution_limit}"
            )
        sizes = self.allowed_batch_sizes
        if any(before >= after for before, after in itertools.pairwise((0, *sizes))):
            raise InvalidArgumentError("allowed_batch_sizes entries must be monotonically increasing")
        if sizes and sizes[-1] != self.execution_limit:
            limit = "be equal to max_execution_batch_size" if self._splits_smaller else "match max_batch_size"
            raise InvalidArgumentError(
                f"Last entry in allowed_batch_sizes must {limit}; last entry was {sizes[-1]}; "
                f"expected {self.execution_limit}"
            )

    @property
    def execution_limit(self) -> int:
        """The most rows that one run of the model gets."""
        return self.max_execution_batch_size if self._splits_smaller else self.max_batch_size

    @property
    def _splits_smaller(self) -> bool:
        return self.enable_large_batch_splitting and self.max_execution_batch_size != 0

    def padded(self, rows: int) -> int:
        """Return the size to which a batch of so many rows is filled up."""
        return next((size for size in self.allowed_batch_sizes if size >= rows), rows)


def read_batching_parameters(file: Path) -> BatchingParameters:
    """Return the parameters in a file.

    Raises NotFoundError if it cannot be read, InvalidArgumentError if it does not hold valid `BatchingParameters`.
    """
    try:
        text = file.read_text()
    except OSError as error:
        raise NotFoundError(f"{file}; {error.strerror}") from error
    try:
        message = text_format.Parse(text, _BatchingParameters())
    except (text_format.ParseError, UnicodeDecodeError) as error:
        raise InvalidArgumentError(f"Invalid protobuf file: '{file}': {error}") from error
    return BatchingParameters(**{field.name: _plain(value) for field, value in message.ListFields()})


def version_parameters(version: Path, common: BatchingParameters, per_model: bool) -> BatchingParameters | None:
    """Return the parameters of a version; with `per_model` those that it brings itself, None (no batching) if none."""
    if not per_model:
        return common
    file = version / PER_MODEL_FILE
    return read_batching_parameters(file) if file.exists() else None


def _plain(value: Any) -> Any:
    if hasattr(value, "DESCRIPTOR"):
        return value.value
    return value if isinstance(value, bool) else tuple(value)


_INTEGER, _TEXT, _BOOLEAN = (f".google.protobuf.{kind}Value" for kind in ("Int64", "String", "Bool"))
_FIELDS = {
    "max_batch_size": _INTEGER,
    "batch_timeout_micros": _INTEGER,
    "max_enqueued_batches": _INTEGER,
    "num_batch_threads": _INTEGER,
    "thread_pool_name": _TEXT,
    "allowed_batch_sizes": None,
    "pad_variable_length_inputs": None,
    "enable_large_batch_splitting": _BOOLEAN,
    "max_execution_batch_size": _INTEGER,
}


def _message_class() -> Any:
    """Build the class of the message, which is not among the protos of the package `tensorflow-serving-api`."""
    kind = descriptor_pb2.FieldDescriptorProto
    wrappers = wrappers_pb2.DESCRIPTOR
    file = descriptor_pb2.FileDescriptorProto(name="batching.proto", syntax="proto3", dependency=[wrappers.name])
    message = file.message_type.add(name="BatchingParameters")
    for number, (name, wrapper) in enumerate(_FIELDS.items(), start=1):
        field = message.field.add(name=name, number=number, label=kind.LABEL_OPTIONAL)
        if name == "allowed_batch_sizes":
            field.type, field.label = kind.TYPE_INT64, kind.LABEL_REPEATED
        elif wrapper is None:
            field.type = kind.TYPE_BOOL
        else:
            field.type, field.type_name = kind.TYPE_MESSAGE, wrapper
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(wrappers.serialized_pb)
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(message.name))


_BatchingParameters = _message_class()
