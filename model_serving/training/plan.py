"""Plan of a training: what it would compute, for how long, and what it would write, without doing it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from model_serving.backbones import Backbone, load_backbone
from model_serving.backbones.int8 import is_int8_wanted
from model_serving.data.dataset import SPLITS
from model_serving.data.lists import ANY_COLUMNS, Columns
from model_serving.photos import PhotoError
from model_serving.subject import Subject
from model_serving.training.features import FeatureCache, Pooled, pool_here
from model_serving.training.head import FOLDS, fit_head
from model_serving.training.head_options import HeadOptions
from model_serving.training.input_size import suitable_size
from model_serving.training.int8 import extracting
from model_serving.training.review import SHARES
from model_serving.training.train import read_training_data

# So many photos are tried, after as many that warm the network up.
_TRIED = 16
# And for so many epochs a head is fitted to find out what an epoch takes.
_TRIED_EPOCHS = 5
_FLOAT32, _FLOAT16, _INT8 = 4, 2, 1  # bytes


@dataclass(frozen=True)
class TrainingPlan:
    """Photos with and without features in the cache, estimated seconds, and bytes that would be written."""

    known: int
    unknown: int
    feature_seconds: float
    head_seconds: float
    cache: Path
    cache_bytes: int
    model: Path
    version_bytes: int

    def __str__(self) -> str:
        return (
            f"features: {self.unknown} photos to compute in about {_duration(self.feature_seconds)}, "
            f"{self.known} known already\n"
            f"head: about {_duration(self.head_seconds)}\n"
            f"writes about {self.cache_bytes / 1e6:,.1f} MB to {self.cache} "
            f"and {self.version_bytes / 1e6:,.0f} MB to {self.model}\n"
            "nothing was written"
        )


def plan_training(
    data: Path,
    model: Path,
    backbone_name: str,
    weights: str | None,
    cache: Path,
    options: HeadOptions,
    also: Sequence[Path] = (),
    size: int | None = None,
    columns: Columns = ANY_COLUMNS,
    drop: Path | None = None,
    subject: Subject | None = None,
    in_int8: bool | None = None,
) -> TrainingPlan:
    """Return the plan of `train` with these arguments, from a trial of a few photos; print what was found.

    Raises the errors of `model_serving.errors` as `train` does.
    """
    dataset, _ = read_training_data(data, also, columns, drop, subject)
    backbone = load_backbone(backbone_name, weights, size or suitable_size(dataset.splits["train"], backbone_name))
    photos = [photo for split in SPLITS for photo in dataset.splits[split]]
    extractor = extracting(backbone, in_int8)
    missing = _missing(photos_by_digest := {photo.digest: photo.path for photo in photos}, cache, extractor)
    features = backbone.network.output_shape[-1]
    graphs = _FLOAT32 + (_INT8 if is_int8_wanted(backbone_name, in_int8) else 0)
    return TrainingPlan(
        known=len(photos_by_digest) - len(missing),
        unknown=len(missing),
        feature_seconds=len(missing) * _seconds_a_photo(extractor, missing),
        head_seconds=_head_seconds(len(dataset.splits["train"]), features, len(dataset.breeds), options),
        cache=cache,
        cache_bytes=len(missing) * features * _FLOAT32,
        model=model,
        version_bytes=backbone.network.count_params() * (graphs + _FLOAT16),  # and the file for devices
    )


def _missing(photos: dict[str | None, Path], cache: Path, backbone: Backbone) -> list[Path]:
    """Return the photos whose features the cache lacks; no cache is made."""
    if not cache.exists():
        return list(photos.values())
    features = FeatureCache(cache, backbone.fingerprint)
    try:
        return [path for digest, path in photos.items() if features.get(digest) is None]
    finally:
        features.close()


def _seconds_a_photo(backbone: Backbone, paths: Sequence[Path]) -> float:
    """Return what a photo takes, by a trial on a few of them; 0 if there are none that can be read."""
    seconds = 0.0
    for start in (0, _TRIED):  # the first warms the network up
        some = [paths[(start + number) % len(paths)] for number in range(min(_TRIED, len(paths)))] if paths else []
        begun = time.monotonic()
        results: list[Pooled] = [result for batch in pool_here(backbone, some) for result in batch]
        read = sum(not isinstance(result, PhotoError | OSError) for _, result in results)
        seconds = (time.monotonic() - begun) / read if read else 0.0
    return seconds


def _head_seconds(photos: int, features: int, breeds: int, options: HeadOptions) -> float:
    """Return what the heads take, by trials on random features: the head, its refit, and those of the review."""
    random = np.random.default_rng(0)
    values, labels = random.normal(size=(photos, features)).astype(np.float32), random.integers(0, breeds, photos)
    nothing = values[:0], labels[:0]
    seconds = []
    for epochs in (1, 1, _TRIED_EPOCHS):  # the first loads what is used once
        begun = time.monotonic()
        fit_head((values, labels), nothing, breeds, options, epochs=epochs)
        seconds.append(time.monotonic() - begun)
    an_epoch = max(seconds[2] - seconds[1], 0) / (_TRIED_EPOCHS - 1)
    heads = 2 + FOLDS * (1 - 1 / FOLDS) + sum(SHARES)
    return (seconds[1] + an_epoch * (options.epochs - 1)) * heads


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
