"""Ask a gateway from Python; needs the extra `client`, which is httpx alone.

from detector_api.client import Detector

with Detector("http://localhost:8080") as detector:
    print(detector.predict("dog.jpg").breed)
"""

from detector_api.client.answers import BreedPrediction, Dog, Model, ModelReference, PhotoAnswer, Prediction
from detector_api.client.detector import Detector, Photo
from detector_api.client.errors import DetectorError

__all__ = [
    "BreedPrediction",
    "Detector",
    "DetectorError",
    "Dog",
    "Model",
    "ModelReference",
    "Photo",
    "PhotoAnswer",
    "Prediction",
]
