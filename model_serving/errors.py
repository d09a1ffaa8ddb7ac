"""Every error of training and export that a person can mend; the command line prints its message and exits with 1.

ModelServingError
├── WeightsUnavailableError   pretrained weights can neither be read nor downloaded
├── DatasetError              class folders that nothing can be learned from
└── ModelNotFoundError        no exported version where one is needed
"""

from __future__ import annotations


class ModelServingError(Exception):
    """Base of the errors below; the message says in one line what is wrong and what to do."""


class WeightsUnavailableError(ModelServingError):
    """Raised when a backbone's pretrained weights can neither be read nor downloaded."""


class DatasetError(ModelServingError):
    """Raised when class folders hold nothing to learn from or to test on."""


class ModelNotFoundError(ModelServingError):
    """Raised when a model's folder holds no exported version."""
