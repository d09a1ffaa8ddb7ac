"""Every error that a person can mend; the command line prints its message and exits with 1.

ModelServingError
├── UnknownBackboneError      a name that is not in the registry
├── WeightsUnavailableError   pretrained weights can neither be read nor downloaded
├── DatasetError              class folders that nothing can be learned from
├── SubjectError              words of `--subject` that say nothing
├── DownloadError             an archive that cannot be fetched, or must not be unpacked
├── Int8Error                 a graph in int8 that was asked for by name and cannot be made
├── CalibrationError          photos too few to calibrate by, or a version that cannot be calibrated
├── ScoringError              a folder of photos that cannot be scored, or not to that file
├── DistributedError          `--engine ray` without Ray, without its cluster, or ended by one of its workers
├── StorageError              a disk that is full, or a folder that cannot be read or written
├── ModelNotFoundError        no exported version where one is needed
└── ReleaseError              a version that cannot be promoted, rolled back to, written to a file, or found

The command has two more of its own, in `dog_breed.errors`.
"""

from __future__ import annotations


class ModelServingError(Exception):
    """Base of the errors below; the message says in one line what is wrong and what to do."""


class UnknownBackboneError(ModelServingError):
    """Raised for a backbone's name that is not in the registry."""


class WeightsUnavailableError(ModelServingError):
    """Raised when a backbone's pretrained weights can neither be read nor downloaded."""


class DatasetError(ModelServingError):
    """Raised when class folders or a list hold nothing to learn from or to test on."""


class SubjectError(ModelServingError):
    """Raised for words of a model's subject that are not understood."""


class Int8Error(ModelServingError):
    """Raised for a graph in int8 that was asked for by name, and cannot be made here or of this."""


class CalibrationError(ModelServingError):
    """Raised when photos are too few to calibrate a version by, or a version has no place for the numbers."""


class DownloadError(ModelServingError):
    """Raised when an archive cannot be fetched, is not the one expected, or must not be unpacked."""


class DistributedError(ModelServingError):
    """Raised when Ray is not installed, its cluster cannot be reached, or its workers cannot go on."""


class StorageError(ModelServingError):
    """Raised when a disk is full, or a folder cannot be read or written."""


class ModelNotFoundError(ModelServingError):
    """Raised when a model's folder holds no exported version."""


class ReleaseError(ModelServingError):
    """Raised when a model has no such version, or none to go back to."""


class ScoringError(ModelServingError):
    """Raised when the photos of a folder cannot be scored, or their answers not be written where they should."""
