"""Dynamic batching: requests that wait for the same outputs of a servable run together, as in TensorFlow Serving.

A request that fails takes down the others of its batch: TensorFlow runs it as a whole, so one image that cannot be
decoded is an error for everybody in it. Inputs without a batch dimension are refused.
"""

from __future__ import annotations

import time
from collections.abc import Hashable
from concurrent.futures import CancelledError

import numpy as np

from local_server.config.batching import BatchingParameters
from local_server.errors import InvalidArgumentError, ResourceExhaustedError
from local_server.inference.batch_rows import Feeds, count_rows, cut
from local_server.inference.batch_scheduler import BatchScheduler, Execute, Task
from local_server.inference.tensors import Array


class Batcher:
    """Batching of one servable; `run` may be called from many threads."""

    def __init__(self, scheduler: BatchScheduler, parameters: BatchingParameters) -> None:
        self._scheduler = scheduler
        self._parameters = parameters

    def run(self, feeds: Feeds, fetches: tuple[str, ...], timeout_ms: int | None, execute: Execute) -> list[Array]:
        """Return the outputs of `execute` for `feeds`, run in one batch with the rows of other requests.

        Args:
            feeds: Arrays by the name of the tensor they replace.
            fetches: What `execute` fetches; requests that differ in it do not share a batch.
            timeout_ms: How long the request may wait and run.
            execute: Runs the model. It is not called if the time is over before the batch's turn comes.

        Raises StatusError for a request too large, a queue that is full, or a time that is over.
        """
        rows = count_rows(feeds)
        if rows == 0:  # nothing to merge with the rows of others
            return execute(feeds, timeout_ms)
        if rows > self._parameters.max_batch_size:
            raise InvalidArgumentError(
                f"Task size {rows} is larger than maximum input batch size {self._parameters.max_batch_size}"
            )
        deadline = None if timeout_ms is None else time.monotonic() + timeout_ms / 1e3
        pieces = cut(feeds, self._parameters.execution_limit)
        tasks = [Task(piece, len(next(iter(piece.values()))), deadline) for piece in pieces]
        shapes = tuple((name, self._shape(array)) for name, array in sorted(feeds.items()))
        kind = (self, shapes, fetches)
        self._scheduler.submit(kind, self._parameters, execute, tasks)
        for task in tasks:
            self._settle(kind, task)
        try:
            parts = [task.outputs.result() for task in tasks]
        except CancelledError:
            message = "Run() timeout exceeded while waiting in batching queue"
            raise ResourceExhaustedError(message) from None
        return parts[0] if len(parts) == 1 else [np.concatenate(output) for output in zip(*parts, strict=True)]

    def _shape(self, array: Array) -> Hashable:
        return array.ndim if self._parameters.pad_variable_length_inputs else array.shape[1:]

    def _settle(self, kind: Hashable, task: Task) -> None:
        """Wait until the task is done; at its deadline, cancel it unless its batch already runs."""
        try:
            task.outputs.exception(None if task.deadline is None else max(0, task.deadline - time.monotonic()))
        except TimeoutError:
            if task.outputs.cancel():
                self._scheduler.withdraw(kind, task)
            else:
                task.outputs.exception()  # whoever left now could close the servable while it runs
