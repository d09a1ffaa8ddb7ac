"""Heads that are fitted on features in int8 beside heads on features in fp32, by validation photos.

    .venv/bin/python -m benchmarks.int8_features CLASSES [--seeds 3]

Each head answers features of both kinds, as a version's two graphs do, before it has learned from these photos. Printed
are means over the seeds.
"""

from __future__ import annotations

import argparse
import contextlib
import io
from dataclasses import replace
from pathlib import Path

import numpy as np

from local_server.tensorflow_import import import_tensorflow_quietly

KINDS = ("fp32", "int8")


def main() -> None:
    """Compute all features both ways, fit the heads, and print a line for each kind of both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="CLASSES")
    parser.add_argument("--seeds", type=int, default=3, help="draws of a head (%(default)s)")
    options = parser.parse_args()
    import_tensorflow_quietly()

    from model_serving.backbones import load_backbone
    from model_serving.data.dataset import read_dataset
    from model_serving.metrics import measure
    from model_serving.training.features import pool_here
    from model_serving.training.fit import fit
    from model_serving.training.head_options import HeadOptions
    from model_serving.training.int8 import extracting

    backbone = load_backbone("efficientnet_lite2")
    backbones = dict(zip(KINDS, (backbone, extracting(backbone, True)), strict=True))
    if backbones["int8"] is backbone:
        raise SystemExit("This machine has no kernels in int8.")
    dataset = read_dataset(options.folder)
    label_of = {photo.path: dataset.breeds.index(photo.breed) for split in dataset.splits.values() for photo in split}
    features = {
        kind: {
            path: values
            for batch in pool_here(one, list(label_of))
            for path, values in batch
            if isinstance(values, np.ndarray)
        }
        for kind, one in backbones.items()
    }

    def labelled(kind: str, split: str) -> tuple[np.ndarray, np.ndarray]:
        paths = [photo.path for photo in dataset.splits[split] if photo.path in features["fp32"]]
        return np.stack([features[kind][path] for path in paths]), np.array([label_of[path] for path in paths])

    for fitted_on in KINDS:
        found = []
        splits = {split: labelled(fitted_on, split) for split in ("train", "valid")}
        for seed in (HeadOptions.seed, *range(1, options.seeds)):
            with contextlib.redirect_stdout(io.StringIO()):
                head = fit(splits, dataset.breeds, backbone, replace(HeadOptions(), seed=seed))
            for served in KINDS:
                values, labels = labelled(served, "valid")
                probabilities = head.probabilities(head.before_refit.logits(values))
                figures = measure(probabilities, labels)
                likelihood = -np.log(probabilities[np.arange(len(labels)), labels]).mean()
                found.append((figures.top1, likelihood, figures.calibration_error))
        for place, served in enumerate(KINDS):
            top1, likelihood, error = np.mean(found[place :: len(KINDS)], axis=0)
            print(
                f"features in {fitted_on}, served in {served}: top-1 {top1:.1%}, mean negative log-likelihood "
                f"{likelihood:.3f}, calibration error {error:.3f}"
            )


if __name__ == "__main__":
    main()
