"""Polling of the model configuration file."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from local_server.config import models
from local_server.errors import StatusError

# How long an application that is under way may take to end.
_STOP_SECONDS = 5

_log = logging.getLogger(__name__)


class ModelConfigWatch:
    """Thread that reads and applies the model configuration file periodically; a file with an error changes nothing."""

    def __init__(self, file: str, seconds: float, apply: Callable[[list[models.ModelConfig]], None]) -> None:
        self._file = file
        self._seconds = seconds
        self._apply = apply
        self._last_failure = ""
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="model-config-watch", daemon=True)

    def start(self) -> None:
        """Start polling; the first read comes after the first wait."""
        self._thread.start()

    def stop(self) -> None:
        """Stop polling; wait a few seconds for a read under way to end."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join(_STOP_SECONDS)

    def _run(self) -> None:
        while not self._stopping.wait(self._seconds):
            try:
                configs = models.read(self._file)
                if configs is not None:  # an empty file asks for nothing
                    self._apply(configs)
                failure = ""
            except StatusError as error:
                failure = f"Failed to reload the model config: {error}"
            if failure and failure != self._last_failure:
                _log.error("%s", failure)
            self._last_failure = failure
