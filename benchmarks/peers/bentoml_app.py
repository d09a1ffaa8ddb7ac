"""The service with BentoML, whose adaptive batching sets by itself how long to wait and how many photos to take."""

from __future__ import annotations

from typing import Any

import bentoml
import numpy as np
from PIL.Image import Image

from benchmarks.peers.model import PeerModel


@bentoml.service(workers=1)
class Breeds:
    """Names the breeds of a batch of photos; one upload is a batch of one, and its answer a list of one."""

    def __init__(self) -> None:
        self.model = PeerModel()

    @bentoml.api(batchable=True, max_batch_size=4)
    def predict(self, dog_image: list[Image]) -> list[dict[str, Any]]:
        return self.model(np.stack([self.model.read(photo) for photo in dog_image]))
