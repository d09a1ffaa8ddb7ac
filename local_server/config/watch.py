"""Looking at the model configuration file again and again."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from local_server.config import models
from local_server.errors import ServingError

# How long an application that is under way may take to end.
_STOP_SECONDS = 5

_log = logging.getLogger(__name__)


class ModelConfigWatch:
    """Applies a model configuration file every so many seconds; one that cannot be applied changes nothing."""

    def __init__(self, file: str, seconds: float, apply: Callable[[list[models.ModelConfig]], None]) -> None:
        self._file = file
        self._seconds = seconds
        self._apply = apply
        self._complaint = ""
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="model-config-watch", daemon=True)

    def start(self) -> None:
        """Begin to watch; the first look is after the first wait."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more; wait a few seconds for a look under way to end."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join(_STOP_SECONDS)

    def _run(self) -> None:
        while not self._stopping.wait(self._seconds):
            try:
                configs = models.read(self._file)
                if configs is not None:  # an empty file asks for nothing
                    self._apply(configs)
                complaint = ""
            except ServingError as error:
                complaint = f"Failed to reload the model config: {error}"
            if complaint and complaint != self._complaint:
                _log.error("%s", complaint)
            self._complaint = complaint
