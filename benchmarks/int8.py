"""Answers of the starter's ImageNet head in int8 beside those in fp32, on labelled photos.

    .venv/bin/python -m benchmarks.int8 PHOTOS [--size 340]

PHOTOS are labelled as for `dog-breed evaluate`; those whose breed the head knows count. The line printed is what
`model_serving/savedmodel/imagenet_calibrations.json` has, for machines without photos.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np

from local_server.tensorflow_import import import_tensorflow_quietly


def main() -> None:
    """Compute the features of all photos both ways, and print how the answers compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--size", type=int, default=340, help="side of the input (%(default)s)")
    options = parser.parse_args()
    import_tensorflow_quietly()

    from model_serving.backbones import load_backbone
    from model_serving.backbones.int8 import int8_record, weights_digest
    from model_serving.breeds import IMAGENET_BREEDS
    from model_serving.data.dataset import read_test_photos
    from model_serving.photos.labels import class_meant
    from model_serving.savedmodel.export import imagenet_head
    from model_serving.training.calibration import softmax
    from model_serving.training.features import pool_here
    from model_serving.training.int8 import int8_accuracy

    backbone = load_backbone("efficientnet_lite2", size=options.size)
    head, card = imagenet_head(backbone)
    label_of = {
        photo.path: IMAGENET_BREEDS.index(breed)
        for photo in read_test_photos(options.photos)
        if (breed := class_meant(photo.breed, IMAGENET_BREEDS))
    }
    pooled = [one for batch in pool_here(backbone, list(label_of)) for one in batch]
    features = {path: values for path, values in pooled if isinstance(values, np.ndarray)}
    accuracy = int8_accuracy(
        backbone,
        int8_record(backbone, nearest=True),
        list(features),
        np.stack(list(features.values())),
        np.array([label_of[path] for path in features]),
        lambda values: softmax(head.logits(values) / card.temperature),
    )
    if accuracy is None:
        raise SystemExit("There are no ranges for this size, or this machine has no kernels in int8.")
    figures = {name: round(value, 4) for name, value in asdict(accuracy).items()}
    print(json.dumps({"weights": weights_digest(backbone), "accuracy": figures}))


if __name__ == "__main__":
    main()
