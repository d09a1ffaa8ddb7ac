"""Targets: which version of the model a call is for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

Label = Literal["stable", "canary"]


@dataclass(frozen=True)
class Target:
    """The version that is asked: by its label, else by its number, else the latest.

    `is_trial` says that another version answers if this one does not, so that its failure tells nothing of the server.
    """

    label: Label | None = None
    version: int | None = None
    is_trial: bool = False

    def instead(self, *, knows_label: bool) -> Target:
        """Return what to ask of a server that did not find this: the same, if its label may just be moving."""
        if not knows_label:
            return replace(self, label=None)
        return self if self.label else LATEST

    def at(self, version: int) -> Target:
        """Return the same at the version that has answered."""
        return replace(self, label=None, version=version)


LATEST = Target()
CANARY = Target("canary", is_trial=True)
