"""Threads that run batches: requests of the same kind that wait together run together."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from dataclasses import dataclass, field

from local_server.config.batching import BatchingParameters
from local_server.errors import StatusError, UnavailableError, as_status_error
from local_server.inference.batch_rows import Feeds, merge, split
from local_server.inference.tensors import Array
from local_server.monitoring.instruments import BATCHES, QUEUING_LATENCY, microseconds_since

# Runs the model on inputs by name, for at most so many milliseconds.
Execute = Callable[[Feeds, int | None], list[Array]]


@dataclass(eq=False)
class Task:
    """Rows of one request that wait for a batch."""

    feeds: Feeds
    rows: int
    deadline: float | None  # on the monotonic clock
    queued: float = field(default_factory=time.perf_counter)
    outputs: Future[list[Array]] = field(default_factory=Future)


@dataclass(eq=False)
class _Batch:
    parameters: BatchingParameters
    execute: Execute
    tasks: list[Task] = field(default_factory=list)
    rows: int = 0
    opened: float = field(default_factory=time.monotonic)

    @property
    def due(self) -> float:
        if self.rows >= self.parameters.execution_limit:
            return 0
        return self.opened + self.parameters.batch_timeout_micros / 1e6

    def has_room(self, task: Task) -> bool:
        return self.rows + task.rows <= self.parameters.execution_limit

    def add(self, task: Task) -> None:
        self.tasks.append(task)
        self.rows += task.rows

    def remove(self, task: Task) -> None:
        self.tasks.remove(task)
        self.rows -= task.rows

    def run(self) -> None:
        tasks = [task for task in self.tasks if task.outputs.set_running_or_notify_cancel()]
        if not tasks:
            return
        for task in tasks:
            QUEUING_LATENCY.add(microseconds_since(task.queued), self.parameters.thread_pool_name)
        BATCHES.add(1)
        sizes = [task.rows for task in tasks]
        padding = self.parameters.padded(sum(sizes)) - sum(sizes)
        try:
            outputs = self.execute(merge([task.feeds for task in tasks], padding), _timeout_ms(tasks))
            parts = split(outputs, sizes, padding)
        except Exception as error:
            for task in tasks:
                task.outputs.set_exception(_copy(error))
        else:
            for task, part in zip(tasks, parts, strict=True):
                task.outputs.set_result(part)


class BatchScheduler:
    """The threads that run batches, shared by all servables; `close` once no more requests come.

    Batches of the same kind wait in a queue of their own, the last of which still takes requests. The queues are served
    in turn.
    """

    def __init__(self, parameters: BatchingParameters) -> None:
        self.parameters = parameters
        self._queues: dict[Hashable, deque[_Batch]] = {}
        self._changed = threading.Condition()
        self._closed = False
        self._threads = [
            threading.Thread(target=self._work, name=f"{parameters.thread_pool_name}_{number}", daemon=True)
            for number in range(parameters.num_batch_threads)
        ]
        for thread in self._threads:
            thread.start()

    def close(self, seconds: float) -> None:
        """Run the waiting batches, end the threads; return after `seconds` in any case."""
        deadline = time.monotonic() + seconds
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(max(0, deadline - time.monotonic()))

    def submit(self, kind: Hashable, parameters: BatchingParameters, execute: Execute, tasks: list[Task]) -> None:
        """Queue the pieces of one request. Raises UnavailableError if there is no room for all of them."""
        with self._changed:
            if self._closed:
                raise UnavailableError("The server is stopping.")
            queue = self._queues.get(kind, deque())
            needed = len(tasks) - (bool(queue) and queue[-1].has_room(tasks[0]))
            if needed and len(queue) + needed > max(1, parameters.max_enqueued_batches):
                raise UnavailableError(
                    "The batch scheduling queue to which this task was submitted is full; currently "
                    f"{len(queue)} batches enqueued and max_enqueued_batches is {parameters.max_enqueued_batches}"
                )
            for task in tasks:
                if not queue or not queue[-1].has_room(task):
                    queue.append(_Batch(parameters, execute))
                queue[-1].add(task)
            self._queues[kind] = queue
            self._changed.notify()

    def withdraw(self, kind: Hashable, task: Task) -> None:
        """Remove a cancelled task from its queue."""
        with self._changed:
            queue = self._queues.get(kind, deque())
            batch = next((batch for batch in queue if task in batch.tasks), None)
            if batch is None:
                return
            batch.remove(task)
            if not batch.tasks:
                queue.remove(batch)
            if not queue:
                del self._queues[kind]

    def _work(self) -> None:
        while batch := self._next():
            batch.run()

    def _next(self) -> _Batch | None:
        with self._changed:
            while self._queues or not self._closed:
                now = time.monotonic()
                for kind, queue in self._queues.items():
                    if len(queue) > 1 or queue[0].due <= now or self._closed:
                        return self._take(kind)
                dues = (queue[0].due - now for queue in self._queues.values())
                self._changed.wait(min(dues, default=None))
        return None

    def _take(self, kind: Hashable) -> _Batch:
        queue = self._queues.pop(kind)
        batch = queue.popleft()
        if queue:
            self._queues[kind] = queue  # behind the others
            self._changed.notify()
        return batch


def _copy(error: Exception) -> StatusError:
    """Return a copy of an error, one for each thread: raising an error writes the thread's stack into it."""
    told = as_status_error(error)
    copy = StatusError(told.message, told.code)
    copy.__cause__ = error
    return copy


def _timeout_ms(tasks: list[Task]) -> int | None:
    """Return the time left to the most patient of the tasks."""
    deadlines = [task.deadline for task in tasks]
    if None in deadlines:
        return None
    latest = max(deadline for deadline in deadlines if deadline is not None)
    return max(1, int((latest - time.monotonic()) * 1000))
