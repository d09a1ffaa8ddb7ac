"""The parameters of batching that the containers and Kubernetes hand to TensorFlow Serving."""

from __future__ import annotations

from pathlib import Path

import pytest

from local_server.config.batching import read_batching_parameters

BATCHING = Path(__file__).parents[2] / "model_serving" / "batching"


@pytest.mark.parametrize("name", ["cpu.txt", "gpu.txt"])
def test_read_batching_parameters_is_accepted(name: str) -> None:
    """Both files are what the server understands: it refuses, for one, sizes that do not end in the largest batch."""
    assert read_batching_parameters(BATCHING / name).max_batch_size > 1
