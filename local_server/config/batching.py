"""The batching parameters file: TensorFlow Serving's `BatchingParameters`, in the text format of protocol buffers."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local_server.config import protos, text_format
from local_server.errors import InvalidArgumentError
from local_server.system import usable_cpus

# The file that a version brings its own parameters in, with --enable_per_model_batching_parameters.
PER_MODEL_FILE = "batching_params.pbtxt"


@dataclass(frozen=True)
class BatchingParameters:
    """Rules for gathering requests into batches; a field that the file leaves out has TensorFlow Serving's default.

    A batch holds at most `max_batch_size` rows, the size of the largest request; or `max_execution_batch_size` if
    `enable_large_batch_splitting` lets requests be cut up. It waits `batch_timeout_micros` for more rows. At most
    `max_enqueued_batches` of a kind wait, and `num_batch_threads` run at once. A batch is filled up to the next of
    `allowed_batch_sizes`; `pad_variable_length_inputs` fills up inputs of different shapes so that they fit together.

    Raises InvalidArgumentError if the values do not go together.
    """

    max_batch_size: int = 1000
    batch_timeout_micros: int = 0
    max_enqueued_batches: int = 10
    num_batch_threads: int = usable_cpus()
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
        """Return the size to which a batch of `rows` rows is padded."""
        return next((size for size in self.allowed_batch_sizes if size >= rows), rows)


def read_batching_parameters(file: Path) -> BatchingParameters:
    """Return the parameters in a file.

    Raises NotFoundError if it cannot be read, InvalidArgumentError if it does not hold valid `BatchingParameters`.
    """
    message = text_format.read(file, protos.BatchingParameters())
    return BatchingParameters(**{field.name: _plain(value) for field, value in message.ListFields()})


def version_parameters(version: Path, common: BatchingParameters, per_model: bool) -> BatchingParameters | None:
    """Return the parameters of a version; with `per_model` its own ones, or None (no batching) if it has none."""
    if not per_model:
        return common
    file = version / PER_MODEL_FILE
    return read_batching_parameters(file) if file.exists() else None


def _plain(value: Any) -> Any:
    if hasattr(value, "DESCRIPTOR"):
        return value.value
    return value if isinstance(value, bool) else tuple(value)
