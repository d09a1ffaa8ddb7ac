"""Training: from class folders of photos to an exported version with its card and report."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from model_serving.backbones import Backbone, load_backbone
from model_serving.backbones.int8 import is_int8_wanted
from model_serving.data.additions import Additions, add_photos
from model_serving.data.dataset import SPLITS, Dataset, LabelledPhoto, read_dataset
from model_serving.data.lists import ANY_COLUMNS, Columns
from model_serving.data.omissions import omit
from model_serving.errors import DatasetError
from model_serving.metrics import measure
from model_serving.report.findings import Findings, analyse_answers
from model_serving.report.page import write_report
from model_serving.savedmodel.card import ModelCard
from model_serving.savedmodel.export import export_model
from model_serving.savedmodel.int8_gate import require_possible
from model_serving.savedmodel.on_device_gate import JudgingPhotos
from model_serving.subject import DOGS, PHOTOS, Subject
from model_serving.training.card import trained_card
from model_serving.training.features import FeatureCache, Features, Pooling, extract_features, pool_here
from model_serving.training.fit import FittedHead, fit
from model_serving.training.head import Labelled
from model_serving.training.head_options import HeadOptions
from model_serving.training.input_size import suitable_size
from model_serving.training.int8 import extracting, judged_in_int8
from model_serving.training.review import review_data


@dataclass(frozen=True)
class TrainedVersion:
    """A version as `train` leaves it on the shelf: its folder, its card, and the test photos that judged it."""

    path: Path
    card: ModelCard
    test_photos: list[LabelledPhoto]


def train(
    data: Path,
    model: Path,
    backbone_name: str,
    weights: str | None,
    cache: Path,
    options: HeadOptions,
    also: Sequence[Path] = (),
    pooling: Pooling = pool_here,
    size: int | None = None,
    columns: Columns = ANY_COLUMNS,
    drop: Path | None = None,
    subject: Subject | None = None,
    in_int8: bool | None = None,
) -> TrainedVersion:
    """Train a head on the labelled photos of `data` and put it on the shelf of `model` as its next version.

    The labelled photos of each of `also` join the training photos, and those that the CSV file `drop` names are left
    out; `pooling` computes the features; `columns` are those of a list. `size` is the input's side in pixels, by
    default the one that suits backbone and photos. `subject` is what the classes are; by default dogs, if the photos
    look like dogs. With `in_int8` the version also has a graph in int8, if that passes the gate on the validation
    photos; None is as usual for the backbone. Prints progress and accuracy. The version's folder holds its report.
    Raises the errors of `model_serving.errors`.
    """
    started = time.monotonic()
    dataset, additions = read_training_data(data, also, columns, drop, subject)
    if in_int8:
        require_possible(photos=len(dataset.splits["valid"]))
    backbone = load_backbone(backbone_name, weights, size or suitable_size(dataset.splits["train"], backbone_name))
    extractor = extracting(backbone, in_int8, pooling)
    if are_int8 := extractor is not backbone:
        print("features in int8, with which a head is as good; --no-int8 computes them in fp32")
    features = _extract(dataset, extractor, cache, pooling)
    labelled = {name: _label(split, dataset.breeds) for name, split in features.items()}
    fitted = fit(labelled, dataset.breeds, backbone, options)
    subject = subject or _recognise(dataset, backbone, fitted)
    judges = {"valid": fitted.before_refit, "test": fitted.head}
    logits = {name: head.logits(labelled[name][0]) for name, head in judges.items() if len(labelled[name][1])}
    probabilities = {name: fitted.probabilities(values) for name, values in logits.items()}
    metrics = {name: measure(values, labelled[name][1]) for name, values in probabilities.items()}
    for name, figures in metrics.items():
        print(f"{name}: {figures}")
    seconds = time.monotonic() - started
    card = trained_card(dataset, additions, backbone, features, fitted, options, metrics, seconds, subject)
    record = None
    if is_int8_wanted(backbone_name, in_int8):
        record, judged = judged_in_int8(
            backbone, fitted, features["train"], features["valid"], labelled["valid"], are_int8=are_int8
        )
        card = replace(card, int8=judged)
    findings = _findings(probabilities, labelled, features, dataset.breeds)
    review = review_data(features, labelled, dataset.breeds, fitted, options)

    def add_report(folder: Path, card: ModelCard) -> None:
        write_report(folder, card, findings, review, data)

    # The head has learned from the validation photos, too, in the end.
    unseen = JudgingPhotos([photo.path for photo in features["test"].photos], "test photos", labelled["test"][1])
    path = export_model(model, backbone, fitted.head, card, int8=record, shelved=True, photos=unseen, add=add_report)
    return TrainedVersion(path, card, dataset.splits["test"])


def read_training_data(
    data: Path, also: Sequence[Path], columns: Columns, drop: Path | None, subject: Subject | None
) -> tuple[Dataset, Additions]:
    """Return the photos that `train` learns from and is judged by, with what `also` added; print what was found."""
    dataset, additions = add_photos(read_dataset(data, columns), also)
    for note in dataset.notes:
        print(note)
    if also:
        print(additions)
    if drop:
        dataset, omitted = omit(dataset, data, drop)
        print(f"{omitted} photos left out that {drop} names")
    counts = ", ".join(f"{len(dataset.splits[split])} {split}" for split in SPLITS)
    words = subject or Subject.of_classes(dataset.breeds)
    print(f"{counts} photos of {words.count(len(dataset.breeds))}")
    return dataset, additions


def _recognise(dataset: Dataset, backbone: Backbone, fitted: FittedHead) -> Subject:
    """Return dogs if the training photos look like dogs; by the class names where no classifier can tell."""
    if backbone.imagenet is None:
        return Subject.of_classes(dataset.breeds)
    if fitted.calibration.detects_dogs:
        return DOGS
    print("these photos do not look like dogs: say what they show, such as `--subject cat/cats/breed`")
    return PHOTOS


def _extract(dataset: Dataset, backbone: Backbone, cache: Path, pooling: Pooling) -> dict[str, Features]:
    """Return the features of each split; raises `DatasetError` if a class has no training photo that can be read."""
    feature_cache = FeatureCache(cache, backbone.fingerprint)
    try:
        features = {
            name: extract_features(backbone, dataset.splits[name], feature_cache, name, pooling) for name in SPLITS
        }
    finally:
        feature_cache.close()
    for path, reason in (skip for split in features.values() for skip in split.skipped):
        print(f"skipped {path}: {reason}")
    if not features["train"].photos:
        raise DatasetError("None of the training photos can be read.")
    if unseen := sorted(set(dataset.breeds) - {photo.breed for photo in features["train"].photos}):
        raise DatasetError(
            f"None of the training photos of {', '.join(unseen)} can be read. Put others there, or take them away."
        )
    return features


def _label(features: Features, breeds: Sequence[str]) -> Labelled:
    index = {breed: number for number, breed in enumerate(breeds)}
    return features.values, np.array([index[photo.breed] for photo in features.photos], int)


def _findings(
    probabilities: Mapping[str, np.ndarray],
    labelled: Mapping[str, Labelled],
    features: Mapping[str, Features],
    breeds: Sequence[str],
) -> Findings | None:
    """Return the findings on the test photos, None if there are none."""
    if "test" not in probabilities:
        return None
    paths = [photo.path for photo in features["test"].photos]
    return analyse_answers(probabilities["test"], labelled["test"][1], paths, breeds)
