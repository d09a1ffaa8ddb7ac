"""Errors of the command itself; like those of `model_serving.errors`, each is one line on stderr and exit status 1.

ModelServingError
├── PredictionError     photos that a gateway gave no answer for, or no gateway to ask
├── LaptopError         `dog-breed run` cannot start, or a part of it has stopped
└── MissingExtraError   a verb whose packages are not installed
"""

from __future__ import annotations

from model_serving.errors import ModelServingError


class PredictionError(ModelServingError):
    """Raised when `dog-breed predict` finds no gateway, or some of its photos got no answer."""


class LaptopError(ModelServingError):
    """Raised when the product cannot be started on this machine, or a part of it has stopped."""


class MissingExtraError(ModelServingError):
    """Raised for a verb whose packages are not installed; the message names the extra that brings them."""

    def __init__(self, verb: str, package: str | None, extra: str) -> None:
        super().__init__(f"`{verb}` needs {package}, which is not installed: pip install 'dog-breed-detector[{extra}]'")
