"""All served models by name, and the thread that keeps each in step with its folder."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from tensorflow_serving.apis import model_pb2

from model_serving.server.errors import InvalidArgumentError, NotFoundError
from model_serving.server.inference.servable import Servable
from model_serving.server.lifecycle.model import Model, VersionStatus


class Manager:
    """Finds the version that a request's ModelSpec asks for, while a thread loads new versions and unloads old ones."""

    def __init__(self, models: Sequence[Model], poll_seconds: float) -> None:
        self._models = {model.name: model for model in models}
        self._poll_seconds = poll_seconds
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._keep_in_step, name="model-manager")

    def start(self) -> None:
        """Start watching; return when every model serves. Raises ServingError if one cannot be loaded."""
        self._thread.start()
        for model in self._models.values():
            model.wait_until_available()

    def stop(self, seconds: float) -> None:
        """Stop watching and unload every model; wait so many seconds for requests still in flight."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join()
        for model in self._models.values():
            model.close(seconds)

    @contextmanager
    def acquire(self, spec: model_pb2.ModelSpec) -> Iterator[tuple[int, Servable]]:
        """Hold the version that `spec` names for the block; yield its number and servable."""
        if not spec.name:
            raise InvalidArgumentError("ModelSpec has no name specified.")
        number = _version_of(spec)
        if spec.name not in self._models:
            request = f"Latest({spec.name})" if number is None else f"Specific({spec.name}, {number})"
            raise NotFoundError(f"Servable not found for request: {request}")
        with self._models[spec.name].acquire(number) as found:
            yield found

    def status(self, spec: model_pb2.ModelSpec) -> list[VersionStatus]:
        """Return the status of the version that `spec` names or of all of the model, newest first."""
        number = _version_of(spec)
        if spec.name not in self._models:
            what = "any versions" if number is None else f"version {number}"
            raise NotFoundError(f"Could not find {what} of model {spec.name}")
        return self._models[spec.name].status(number)

    def _keep_in_step(self) -> None:
        look = True
        while not self._stopping.is_set():
            due = [self._poll_seconds] if self._poll_seconds > 0 else []
            for model in self._models.values():
                if look:
                    model.look()
                retry_in = model.reconcile()
                if retry_in is not None:
                    due.append(retry_in)
            look = self._poll_seconds > 0
            self._stopping.wait(min(due, default=None))


def _version_of(spec: model_pb2.ModelSpec) -> int | None:
    choice = spec.WhichOneof("version_choice")
    if choice == "version_label":
        raise InvalidArgumentError(f"Unrecognized servable version label: {spec.version_label}")
    return spec.version.value if choice == "version" else None
