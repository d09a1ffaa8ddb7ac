"""Reads the tensors of a PyTorch checkpoint in its legacy file format, without PyTorch and without running any code.

A legacy file is a run of pickles followed by raw values: magic number, protocol version, system info, the ordered
dictionary of tensors (each a view on a storage named by a persistent id), the list of storage keys, and then for each
storage a 64-bit count and that many little-endian values.
"""

from __future__ import annotations

import pickle
from collections import OrderedDict
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

MAGIC_NUMBER = 0x1950A86A20F9469CFC6C
PROTOCOL_VERSION = 1001
STORAGE_TYPES = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}


class Storage(NamedTuple):
    """A flat run of values in the file, named by its key."""

    key: str
    dtype: np.dtype


class View(NamedTuple):
    """A tensor as the file describes it: a strided view on a storage."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class _TensorUnpickler(pickle.Unpickler):
    """Builds tensor views and refuses every other class, so that a doctored file cannot execute anything."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return lambda storage, offset, shape, strides, *_: View(storage, offset, shape, strides)
        if module == "torch" and name in STORAGE_TYPES:
            return STORAGE_TYPES[name]
        raise pickle.UnpicklingError(f"a weights file has no business with {module}.{name}")

    def persistent_load(self, pid: Any) -> Storage:
        kind, dtype, key, *_ = pid
        if kind != "storage":
            raise pickle.UnpicklingError(f"unknown persistent id {kind!r}")
        return Storage(key, dtype)


def read_tensors(path: Path) -> dict[str, np.ndarray]:
    """Return the named tensors of the legacy PyTorch file at `path`, in the shapes PyTorch gave them.

    Raises `pickle.UnpicklingError` if the file is of another format or holds anything but tensors.
    """
    with path.open("rb") as file:
        if _load(file) != MAGIC_NUMBER or _load(file) != PROTOCOL_VERSION:
            raise pickle.UnpicklingError(f"{path} is not a legacy PyTorch file")
        _load(file)  # sizes and byte order of the machine that wrote it; the values are little-endian everywhere
        views: dict[str, View] = _load(file)
        dtypes = {view.storage.key: view.storage.dtype for view in views.values()}
        storages = {key: _read_storage(file, dtypes[key]) for key in _load(file)}
    return {name: _tensor(view, storages[view.storage.key]) for name, view in views.items()}


def _load(file: BinaryIO) -> Any:
    return _TensorUnpickler(file).load()


def _read_storage(file: BinaryIO, dtype: np.dtype) -> np.ndarray:
    count = int.from_bytes(file.read(8), "little")
    values = np.frombuffer(file.read(count * dtype.itemsize), dtype)
    if len(values) != count:
        raise pickle.UnpicklingError("the weights file ends early; download it again")
    return values


def _tensor(view: View, values: np.ndarray) -> np.ndarray:
    """Lay a view on its storage; PyTorch counts strides in values, NumPy in bytes."""
    last = view.offset + sum((length - 1) * stride for length, stride in zip(view.shape, view.strides, strict=True))
    if min((*view.shape, 1)) < 1 or min((*view.strides, 0)) < 0 or not 0 <= view.offset <= last < len(values):
        raise pickle.UnpicklingError(f"a tensor of shape {view.shape} reaches beyond its storage")
    strides = [stride * values.itemsize for stride in view.strides]
    return np.lib.stride_tricks.as_strided(values[view.offset :], view.shape, strides, writeable=False)
