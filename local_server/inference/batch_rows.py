"""Rows of a batch: merge the inputs of several requests, split the outputs again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from local_server.errors import FailedPreconditionError, InvalidArgumentError
from local_server.inference.tensors import Array

Feeds = Mapping[str, Array]


def count_rows(feeds: Feeds) -> int:
    """Return the number of rows that the inputs of a request share; raise InvalidArgumentError if they share none."""
    if not feeds:
        raise InvalidArgumentError("Batching session Run() must have at least one input tensor")
    if any(array.ndim == 0 for array in feeds.values()):
        raise InvalidArgumentError("Batching Run() input tensors must have at least one dimension")
    rows = {len(array) for array in feeds.values()}
    if len(rows) > 1:
        raise InvalidArgumentError("Batching Run() input tensors must have equal 0th-dimension size")
    return rows.pop()


def cut(feeds: Feeds, limit: int) -> list[Feeds]:
    """Return the inputs of a request in pieces of at most `limit` rows."""
    rows = len(next(iter(feeds.values())))
    if rows <= limit:
        return [feeds]
    return [{name: array[start : start + limit] for name, array in feeds.items()} for start in range(0, rows, limit)]


def merge(requests: Sequence[Feeds], padding: int) -> dict[str, Array]:
    """Concatenate the rows of requests, followed by `padding` copies of a valid row.

    Inputs whose other dimensions differ are filled up with their own first value. One request alone is not copied.
    """
    return {name: _merge([feeds[name] for feeds in requests], padding) for name in requests[0]}


def split(outputs: Sequence[Array], sizes: Sequence[int], padding: int) -> list[list[Array]]:
    """Return each request's rows of every output, as views.

    Raises FailedPreconditionError if an output does not have a row for each row of the batch.
    """
    for output in outputs:
        if output.ndim == 0:
            raise FailedPreconditionError("Batched output tensor has 0 dimensions")
        if len(output) != sum(sizes) + padding:
            raise FailedPreconditionError(
                "Batched output tensor's 0th dimension does not equal the sum of the 0th dimension sizes of the input "
                "tensors"
            )
    ends = np.cumsum(sizes)
    return [[output[end - size : end] for output in outputs] for size, end in zip(sizes, ends, strict=True)]


def _merge(arrays: list[Array], padding: int) -> Array:
    shape = np.max([array.shape[1:] for array in arrays], axis=0)
    arrays = [_widened(array, tuple(shape)) for array in arrays]
    if padding:
        arrays.append(np.repeat(arrays[-1][:1], padding, axis=0))
    return np.concatenate(arrays) if len(arrays) > 1 else arrays[0]


def _widened(array: Array, shape: tuple[int, ...]) -> Array:
    if array.shape[1:] == shape:
        return array
    if not array.size:
        raise InvalidArgumentError("Got empty tensor in batch of non-empty tensors.")
    wide = np.full((len(array), *shape), array.flat[0], array.dtype)
    wide[tuple(map(slice, array.shape))] = array
    return wide
