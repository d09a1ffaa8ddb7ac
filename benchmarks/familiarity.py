"""Telling of photos that show none of a head's classes: familiarity beside the scores that it was chosen from.

    .venv/bin/python -m benchmarks.familiarity FOLDER [--others FOLDER]

FOLDER holds class folders of photos, or `train/` and `valid/` with them. Heads are trained on some of the classes,
drawn anew each time; photos of the other classes, and those below `--others`, are strange to them. For each score: the
area under the ROC curve, and the share of strange photos below the score that 5 % of the head's own photos have, each
of them judged by a head that has not seen it.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from model_serving.backbones import Classifier

UNKNOWN_SHARE = 0.28  # 7 of 25
OWN_BELOW = 0.05


def main() -> None:
    """Print a line for each score and each kind of strange photo, means over the draws."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--others", type=Path, action="append", default=[], help="folder of photos of other things")
    parser.add_argument("--draws", type=int, default=4, help="draws of the classes (%(default)s)")
    parser.add_argument("--backbone", default="efficientnet_lite2")
    parser.add_argument("--cache", type=Path, default=Path("build/features.sqlite"))
    options = parser.parse_args()

    from benchmarks.accuracy import roc_area
    from model_serving.backbones import load_backbone
    from model_serving.data.dataset import LabelledPhoto, read_dataset
    from model_serving.data.files import photos_below
    from model_serving.training.features import FeatureCache, extract_features

    backbone = load_backbone(options.backbone)
    assert backbone.imagenet is not None
    splits = read_dataset(options.folder).splits
    cache = FeatureCache(options.cache, backbone.fingerprint)
    own = extract_features(backbone, [photo for split in splits.values() for photo in split], cache, "classes")
    others = {}
    for folder in options.others:
        photos = [LabelledPhoto(path, "") for path in photos_below(folder)]
        others[folder.name] = extract_features(backbone, photos, cache, folder.name).values
    cache.close()
    labels = np.array([photo.breed for photo in own.photos])
    results: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for draw in range(options.draws):
        classes = np.random.default_rng(draw).permutation(np.unique(labels))
        unknown = np.isin(labels, classes[: round(len(classes) * UNKNOWN_SHARE)])
        strange = {"other classes": own.values[unknown], **others}
        known, scores = _scores(backbone.imagenet, own.values[~unknown], labels[~unknown], strange)
        for kind, by_score in scores.items():
            for name, values in by_score.items():
                told = (values < np.quantile(known[name], OWN_BELOW)).mean()
                results.setdefault((kind, name), []).append((roc_area(known[name], values), float(told)))
    for (kind, name), draws in results.items():
        area, told = np.mean(draws, axis=0)
        print(f"{kind}, {name}: area {area:.3f}, told {told:.1%}")


def _scores(
    imagenet: Classifier, values: np.ndarray, names: np.ndarray, strange: Mapping[str, np.ndarray]
) -> tuple[dict[str, np.ndarray], dict[str, dict[str, np.ndarray]]]:
    """Return scores by name of a head's own photos, and those of each kind of strange ones."""
    import tensorflow as tf

    from model_serving.savedmodel.familiarity import familiarity_score, shown_classes, shown_share
    from model_serving.training.calibration import imagenet_probabilities, softmax
    from model_serving.training.head import fit_head, held_out_logits, imagenet_start
    from model_serving.training.head_options import HeadOptions

    classes = sorted(set(names))
    train = values, np.searchsorted(classes, names)
    start = imagenet_start(imagenet, classes)
    shown = shown_classes(imagenet_probabilities(imagenet, values))

    def score(features: np.ndarray, logits: np.ndarray) -> dict[str, np.ndarray]:
        share = shown_share(tf.constant(imagenet_probabilities(imagenet, features), tf.float32), shown)
        return {
            "familiarity": familiarity_score(logits, 1.0, share, "trained").numpy(),
            "logits alone": familiarity_score(logits, 1.0, tf.ones(len(logits)), "trained").numpy(),
            "ImageNet's share alone": share.numpy(),
            "highest probability": softmax(logits).max(axis=1),
        }

    logits, _ = held_out_logits(train, len(classes), HeadOptions(), start)
    head, _ = fit_head(train, (values[:0], train[1][:0]), len(classes), HeadOptions(), start)
    kinds = {kind: score(features, head.logits(features)) for kind, features in strange.items()}
    return score(values, logits), kinds


if __name__ == "__main__":
    main()
