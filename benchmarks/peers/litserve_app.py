"""The service with LitServe, after its own benchmark of an image classifier: that reads the photos of a batch in a pool
of threads, takes 4 of them on a CPU, and waits 10 ms for them."""

# No `from __future__ import annotations` here: LitServe looks at the type of `decode_request`, not at its name.

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import litserve
import numpy as np
from fastapi import Request
from PIL import Image

from benchmarks.peers.model import PeerModel, Pixels


class Breeds(litserve.LitAPI):
    """Names the breeds of a batch of photos."""

    def setup(self, device: str) -> None:
        self.model = PeerModel()
        self.pool = ThreadPoolExecutor(os.cpu_count())

    def decode_request(self, request: Request) -> Image.Image:
        return Image.open(request["dog_image"].file)  # what comes here is the form of the request

    def batch(self, photos: list[Image.Image]) -> Pixels:
        return np.stack(list(self.pool.map(self.model.read, photos)))

    def predict(self, pixels: Pixels) -> list[dict[str, Any]]:
        return self.model(pixels)

    def unbatch(self, answers: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return answers

    def encode_response(self, answer: dict[str, Any]) -> dict[str, Any]:
        return answer


if __name__ == "__main__":
    api = Breeds(max_batch_size=4, batch_timeout=0.01)
    server = litserve.LitServer(api, accelerator="cpu", workers_per_device=1, healthcheck_path="/readyz")
    server.run(host="127.0.0.1", port=int(os.environ["PEER_PORT"]), generate_client_file=False)
