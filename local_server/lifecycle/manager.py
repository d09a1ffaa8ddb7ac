"""The model manager: all served models by name, and the thread that keeps each in step with its folder."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from tensorflow_serving.apis import model_pb2

from local_server.config.models import ModelConfig
from local_server.errors import (
    DeadlineExceededError,
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
    StatusError,
    quote,
)
from local_server.inference.servable import Servable
from local_server.lifecycle.loader import Loader
from local_server.lifecycle.served_model import ServedModel
from local_server.lifecycle.versions import Version, VersionStatus

# How long a change of the configuration without a deadline may wait for the one before it, and then for its models.
_TURN_SECONDS = 10
_CHANGE_SECONDS = 600

_log = logging.getLogger(__name__)


class ModelManager:
    """Holder of all served models; finds the version for a ModelSpec while a thread loads and unloads versions.

    Args:
        loader: Loads and unloads versions.
        poll_seconds: Seconds between looks at the folders; 0: look when the models are configured; negative: never.
        label_unavailable: Let a new label name a version that does not serve yet.
    """

    def __init__(self, loader: Loader, poll_seconds: float, label_unavailable: bool = False) -> None:
        self._loader = loader
        self._poll_seconds = poll_seconds
        self._label_unavailable = label_unavailable
        self._models: dict[str, ServedModel] = {}  # removed ones stay, for GetModelStatus
        self._configs: dict[str, ModelConfig] = {}
        self._labels: dict[tuple[str, str], int] = {}
        self._configuring = threading.Lock()
        self._look = threading.Event()
        self._wake = threading.Event()
        self._stopping = False
        self._next_look = float("inf")
        self._thread = threading.Thread(target=self._keep_in_step, name="model-manager")

    def start(self, configs: Sequence[ModelConfig]) -> None:
        """Start watching; return when every model serves. Raises StatusError if one cannot be loaded."""
        self._thread.start()
        with self._configuring:
            self._apply(configs, None, "servable")

    def reload(self, configs: Sequence[ModelConfig], timeout_seconds: float | None = None) -> None:
        """Serve these models instead; return when those that are new serve.

        Raises StatusError, and leaves all as it was, if a new model cannot be loaded or a label cannot be assigned,
        or if that takes longer than the timeout; without one, there is a long one.
        """
        deadline = time.monotonic() + (_CHANGE_SECONDS if timeout_seconds is None else timeout_seconds)
        if not self._configuring.acquire(timeout=_TURN_SECONDS if timeout_seconds is None else timeout_seconds):
            raise DeadlineExceededError("Another change of the configuration is under way")
        try:
            self._apply(configs, deadline, "model")
        finally:
            self._configuring.release()

    def stop(self, seconds: float) -> None:
        """Stop watching and unload every model; wait so many seconds for requests still in flight."""
        self._stopping = True
        self._wake.set()
        if self._thread.ident is not None:
            self._thread.join()
        deadline = time.monotonic() + seconds
        for model in self._models.values():
            model.configure(None)
            model.reconcile()
        for model in self._models.values():
            model.wait_for_end(max(0, deadline - time.monotonic()))

    @contextmanager
    def acquire(self, spec: model_pb2.ModelSpec) -> Iterator[tuple[int, Servable]]:
        """Hold the version that `spec` names for the block; yield its number and servable."""
        if not spec.name:
            raise InvalidArgumentError("ModelSpec has no name specified.")
        number = self._number(spec)
        model = self._models.get(spec.name)
        if model is None:
            name = quote(spec.name)
            request = f"Latest({name})" if number is None else f"Specific({name}, {number})"
            raise NotFoundError(f"Servable not found for request: {request}")
        version = self._hold(model, number, spec)
        try:
            assert version.servable is not None
            yield version.number, version.servable
        finally:
            model.versions.release(version)

    def status(self, spec: model_pb2.ModelSpec) -> list[VersionStatus]:
        """Return the status of the version that `spec` names by number, or else of all of the model, newest first."""
        number = spec.version.value if spec.HasField("version") else None
        model = self._models.get(spec.name)
        if model is None:
            what = "any versions" if number is None else f"version {number}"
            raise NotFoundError(f"Could not find {what} of model {quote(spec.name)}")
        return model.versions.status(number)

    def _hold(self, model: ServedModel, number: int | None, spec: model_pb2.ModelSpec) -> Version:
        try:
            return model.versions.hold(number)
        except NotFoundError:
            moved = self._number(spec)
            if moved == number:
                raise
            return model.versions.hold(moved)  # the label was read just before it moved

    def _number(self, spec: model_pb2.ModelSpec) -> int | None:
        choice = spec.WhichOneof("version_choice")
        if choice == "version_label":
            number = self._labels.get((spec.name, spec.version_label))
            if number is None:
                raise InvalidArgumentError(f"Unrecognized servable version label: {quote(spec.version_label)}")
            return number
        return spec.version.value if choice == "version" else None

    def _apply(self, configs: Sequence[ModelConfig], deadline: float | None, noun: str) -> None:
        labels = self._checked_labels(configs)
        wanted = {config.name: config for config in configs}
        new = [self._configure(config) for name, config in wanted.items() if name not in self._configs]
        self._look_now()
        try:
            _wait(new, deadline, noun)
        except BaseException:
            for model in new:
                model.configure(None)
            self._wake.set()
            raise
        self._labels = labels  # before the versions that the old ones name can go
        for name, config in self._configs.items():
            if wanted.get(name) != config:
                self._models[name].configure(wanted.get(name))
        self._configs = wanted
        self._look_now()

    def _configure(self, config: ModelConfig) -> ServedModel:
        model = self._models.get(config.name)
        if model is None:
            model = ServedModel(config.name, self._loader, self._wake.set)
        model.configure(config)
        self._models = {**self._models, config.name: model}
        return model

    def _checked_labels(self, configs: Sequence[ModelConfig]) -> dict[tuple[str, str], int]:
        labels = {(config.name, label): number for config in configs for label, number in config.labels.items()}
        for (name, label), number in labels.items():
            model = self._models.get(name)
            if model is not None and number in model.versions.available():
                continue
            if not self._label_unavailable or self._labels.get((name, label), number) != number:
                raise FailedPreconditionError(
                    f"Request to assign label to version {number} of model {name}, "
                    "which is not currently available for inference"
                )
        return labels

    def _look_now(self) -> None:
        self._look.set()
        self._wake.set()

    def _keep_in_step(self) -> None:
        while not self._stopping:
            self._wake.clear()
            try:
                seconds = self._step()
            except Exception:  # without this thread no version would ever change again
                _log.exception("Cannot keep the models in step with their folders")
                self._look.set()
                seconds = 1
            self._wake.wait(seconds)

    def _step(self) -> float | None:
        """Look and reconcile; return the seconds until the next time, None if that is when something happens."""
        if self._poll_seconds >= 0 and (self._look.is_set() or time.monotonic() >= self._next_look):
            self._look.clear()
            for model in self._models.values():
                model.look()
            if self._poll_seconds > 0:
                self._next_look = time.monotonic() + self._poll_seconds
        retries = [model.reconcile() for model in self._models.values()]
        waits = [seconds for seconds in retries if seconds is not None]
        if self._next_look < float("inf"):
            waits.append(max(0, self._next_look - time.monotonic()))
        return min(waits, default=None)


def _wait(models: Sequence[ServedModel], deadline: float | None, noun: str) -> None:
    failures = [(model.name, version) for model in models for version in model.wait(deadline)]
    if failures:
        each = (
            f"{{{{name: {name} version: {version.number}}} due to error: {version.error}}}, "
            for name, version in failures
        )
        raise StatusError(f"{len(failures)} {noun}(s) did not become available: {{{''.join(each)}}}")
