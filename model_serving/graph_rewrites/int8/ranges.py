"""Ranges of a network's tensors, by which floats become integers, and the integers of its weights."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

# Depthwise kernels multiply in 32 bits. Without VNNI the others add the products of two neighbouring input channels in
# 16 bits, which hold 255 · 128: two weights that meet unsigned inputs keep to 127 together before they are rounded.
# Those of signed inputs are halved by the kernel, which adds 128 to the input: they are even.
STEPS, EVEN_STEPS, STEPS_OF_TWO = 127, 126, 127
# Channels with weights, or with a range, below this share of the largest count as this large: nothing is divided by 0.
LEAST_SHARE = 1e-6
# The largest integer of eight bits.
LEVELS = 255


@dataclass(frozen=True)
class LayerRange:
    """Largest absolute values of what a layer reads and writes, and what mends it.

    `correction` is to be added to its bias, [channels] or nothing, and `gain` is what its output is multiplied by.
    """

    read: float
    written: float
    correction: tuple[float, ...] = ()
    gain: float = 1.0

    def corrected(self, correction: np.ndarray) -> LayerRange:
        """Return the same with this correction of the bias, [channels]."""
        return replace(self, correction=tuple(correction.tolist()))


@dataclass(frozen=True)
class ChannelRanges:
    """Least and largest value of each channel of a tensor, float32 [channels]."""

    least: np.ndarray
    most: np.ndarray

    @property
    def step(self) -> np.ndarray:
        """Difference that one of 255 levels stands for, [channels]."""
        width = self.most - self.least
        return _divisors(width) / np.float32(LEVELS)


@dataclass(frozen=True)
class Ranges:
    """Ranges of a network's layers, as `layers` has them, of the parts that it joins, and of its residual sums.

    `parts` are as `blocks` has them, and `sums` as `chains` has these.
    """

    layers: tuple[LayerRange, ...]
    parts: tuple[ChannelRanges, ...] = ()
    sums: tuple[ChannelRanges, ...] = ()


@dataclass(frozen=True)
class Int8Weights:
    """Integers of a kernel, int8 in its shape, and of each output channel what 127 stands for, float32 [channels]."""

    integers: np.ndarray
    largest: np.ndarray


def round_weights(kernel: np.ndarray, *, is_unsigned: bool) -> Int8Weights:
    """Round a kernel [h, w, in, out], each output channel by itself, as the inputs' integers allow it.

    For unsigned inputs the integers of two neighbours are 128 at most together, for signed ones they are even.
    """
    sizes = np.abs(kernel)
    if is_unsigned:
        sizes = np.pad(sizes, [(0, 0), (0, 0), (0, kernel.shape[2] % 2), (0, 0)])
        sizes = sizes[:, :, ::2] + sizes[:, :, 1::2]
    multiple, steps = (1, STEPS_OF_TWO) if is_unsigned else (2, EVEN_STEPS)
    scale = _scale(sizes.max((0, 1, 2)), steps)
    integers = multiple * np.round(kernel / (multiple * scale))
    return Int8Weights(np.clip(integers, -STEPS, STEPS).astype(np.int8), 127 * scale)


def round_depthwise(kernel: np.ndarray) -> Int8Weights:
    """Round a depthwise kernel [h, w, channels, 1], each channel by itself, and keep its sum to half a step.

    Inputs behind a ReLU have means far from 0, which the sum multiplies. Those that were nearest to the next integer
    become that one.
    """
    taps = kernel.reshape(-1, kernel.shape[2])
    scale = _scale(np.abs(taps).max(0), STEPS)
    integers = np.round(taps / scale)
    lacking = taps / scale - integers
    rank = lacking.argsort(0).argsort(0)
    steps = np.round(lacking.sum(0))
    integers += (rank >= len(taps) - steps).astype(int) - (rank < -steps)
    return Int8Weights(np.clip(integers, -STEPS, STEPS).astype(np.int8).reshape(kernel.shape), 127 * scale)


def _scale(largest: np.ndarray, steps: int) -> np.ndarray:
    return (_divisors(largest) / steps).astype(np.float32)


def _divisors(widths: np.ndarray) -> np.ndarray:
    return np.maximum(widths, LEAST_SHARE * widths.max() or 1)
