"""Canary by weight: a share of the callers is answered by the version that bears the label `canary`.

Which callers, follows from who they are: one keeps its version from photo to photo, and a larger share takes further
callers in and lets none go. Servers and gateways read the same file, `models.config`, which `dog-breed canary` writes:
servers take their versions and labels from it, gateways the share.
"""

from __future__ import annotations

import hashlib
import logging
import re
import time
from collections.abc import Callable
from pathlib import Path

from detector_api.serving.target import LATEST, Target
from detector_api.telemetry.metrics import Metrics

# Between looks at the file.
LOOK_SECONDS = 1.0
# After a canary's failure, until it is asked again.
REST_SECONDS = 10.0

_PERCENT = re.compile(r"(?m)^# canary_percent: (\d+(?:\.\d+)?)$")
_LABEL = re.compile(r'key: "(\w+)" value: (\d+)')

logger = logging.getLogger(__name__)


class Canary:
    """The choice of the version for each caller; `percent` is the canary's share of them where the file names none."""

    def __init__(
        self, file: Path | None, percent: float, metrics: Metrics, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._file = file
        self._default_percent = percent
        self._photos = metrics.canary_photos
        self._clock = clock
        self._next_look = self._rests_until = float("-inf")
        self._text: str | None = None
        self._percent = percent
        self._stable = Target("stable") if percent else LATEST
        metrics.canary_percent.set_function(lambda: self.percent)

    @property
    def percent(self) -> float:
        """Return the share of the callers that the canary answers now, 0..100."""
        self._look()
        return self._percent

    @property
    def stable(self) -> Target:
        """Return what answers all other callers, and these too when the canary does not."""
        self._look()
        return self._stable

    def is_for(self, caller: str) -> bool:
        """Tell whether a caller's next photo goes to the canary."""
        return bool(self.percent) and _place(caller) < self._percent and self._clock() >= self._rests_until

    def has_answered(self) -> None:
        """Count one photo that the canary has answered."""
        self._photos.labels("answered").inc()

    def has_failed(self, reason: str) -> None:
        """Count one photo that is asked again of the stable version, and leave the canary alone for a while."""
        self._photos.labels("asked_again").inc()
        self._rests_until = self._clock() + REST_SECONDS
        logger.warning("the canary does not answer: %(reason)s", {"reason": reason})

    def _look(self) -> None:
        now = self._clock()
        if self._file is None or now < self._next_look:
            return
        self._next_look = now + LOOK_SECONDS
        try:
            text = self._file.read_text()
        except FileNotFoundError:
            text = ""
        except (OSError, ValueError):  # whatever is the matter with the volume: what was known still holds
            return
        if text != self._text:
            self._text = text
            self._read(text)

    def _read(self, text: str) -> None:
        labels = {label: int(version) for label, version in _LABEL.findall(text)}
        percent = _PERCENT.search(text)
        share = min(float(percent[1]), 100.0) if percent else self._default_percent
        self._percent = share if "canary" in labels else 0.0
        # By number where a server has not read the file yet: it serves that version without a label.
        self._stable = Target("stable", labels["stable"]) if "stable" in labels else LATEST


def _place(caller: str) -> float:
    """Return a caller's place among all callers, 0 <= place < 100."""
    digest = hashlib.sha256(caller.encode("utf-8", "surrogateescape")).digest()
    return int.from_bytes(digest[:6]) / 2**48 * 100
