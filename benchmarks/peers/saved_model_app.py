"""The service with FastAPI and the exported model in the same process, a photo at a time."""

from __future__ import annotations

import os
from typing import Any

import uvicorn
from fastapi import FastAPI, UploadFile
from PIL import Image

from benchmarks.peers.model import PeerModel

app = FastAPI()
model = PeerModel()


@app.post("/predict")
def predict(dog_image: UploadFile) -> dict[str, Any]:
    """Name the breed."""
    return model(model.read(Image.open(dog_image.file))[None])[0]


@app.get("/readyz")
def ready() -> None:
    """Answer once the model is loaded."""


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(os.environ["PEER_PORT"]))
