"""Ranges of a network's tensors, by which floats become integers, and the integers of its weights."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

# Without VNNI the kernels add two products in 16 bits: 2 · 255 · 64 is more than these hold. Weights that meet unsigned
# inputs keep to 63. Those of signed inputs are halved by the kernel, which adds 128 to the input: they are even.
# Depthwise kernels multiply in 32 bits.
UNSIGNED_STEPS, SIGNED_STEPS, DEPTHWISE_STEPS = 63, 126, 127
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
        return np.maximum(width, LEAST_SHARE * width.max() or 1) / np.float32(LEVELS)


@dataclass(frozen=True)
class Ranges:
    """Ranges of a network's layers, as `layers` has them, and of the parts that it joins, as `blocks` has them."""

    layers: tuple[LayerRange, ...]
    parts: tuple[ChannelRanges, ...] = ()


@dataclass(frozen=True)
class Int8Weights:
    """Integers of a kernel, int8 in its shape, and of each output channel what 127 stands for, float32 [channels]."""

    integers: np.ndarray
    largest: np.ndarray


def round_weights(kernel: np.ndarray, channel_axis: int, steps: int) -> Int8Weights:
    """Round a kernel, each channel by itself, to integers of at most `steps`; 126 are even ones."""
    other_axes = tuple(axis for axis in range(kernel.ndim) if axis != channel_axis)
    largest = np.abs(kernel).max(other_axes)
    scale = (np.maximum(largest, LEAST_SHARE * largest.max() or 1) / steps).astype(np.float32)
    multiple = 2 if steps == SIGNED_STEPS else 1
    shape = [-1 if axis == channel_axis else 1 for axis in range(kernel.ndim)]
    integers = multiple * np.round(kernel / (multiple * scale.reshape(shape)))
    return Int8Weights(np.clip(integers, -steps, steps).astype(np.int8), 127 * scale)
