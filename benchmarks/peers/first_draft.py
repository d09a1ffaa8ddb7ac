"""The service as a first draft has it: FastAPI, and float32 pixels through Keras's `predict` in the same process."""

from __future__ import annotations

import os
from typing import Any

import keras
import numpy as np
import uvicorn
from fastapi import FastAPI, UploadFile
from PIL import Image

app = FastAPI()
model = keras.saving.load_model(os.environ["PEER_KERAS_MODEL"])
size = model.input_shape[1]


@app.post("/predict")
def predict(dog_image: UploadFile) -> dict[str, Any]:
    """Name the breed."""
    photo = Image.open(dog_image.file).convert("RGB").resize((size, size))
    probabilities = model.predict(np.asarray(photo, np.float32)[None], verbose=0)[0]
    breed = int(probabilities.argmax())
    return {"breed": f"Breed {breed}", "confidence": float(probabilities[breed])}


@app.get("/readyz")
def ready() -> None:
    """Answer once the model is loaded."""


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(os.environ["PEER_PORT"]))
