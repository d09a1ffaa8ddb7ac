"""Gain of each part of the trained head, against logistic regression (scikit-learn) on the same features.

    .venv/bin/pip install --constraint constraints.txt --editable '.[benchmarks]'
    .venv/bin/python -m benchmarks.head FOLDER [--cache build/features.sqlite] [--chart FILE.svg]

FOLDER holds class folders in `train/` and `valid/`. The parts are compared by cross-validation within `train`; `valid`,
which chose nothing, is what the others are measured on: heads trained on a few photos of each class, and on all.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from model_serving.backbones import Classifier, load_backbone
from model_serving.breeds import IMAGENET_BREEDS, IMAGENET_DOGS
from model_serving.data.dataset import read_labelled
from model_serving.metrics import calibration_error
from model_serving.training.calibration import calibrate, softmax
from model_serving.training.features import FeatureCache, extract_features
from model_serving.training.head import fit_head, held_out_logits, imagenet_start
from model_serving.training.head_options import HeadOptions

FOLDS = 3
PHOTOS_A_CLASS = (1, 2, 5, 10, 20, 50)
CALIBRATED_PHOTOS = (5, 20)
# Of logistic regression; on 6,067 photos of 64x64 pixels a larger one is worse.
C = 0.001

Split = tuple[np.ndarray, np.ndarray]
Fit = Callable[[Split], Callable[[np.ndarray], np.ndarray]]


def main() -> None:
    """Print the tables, and draw the second one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--backbone", default="efficientnet_lite2")
    parser.add_argument("--cache", type=Path, default=Path("build/features.sqlite"))
    parser.add_argument("--seeds", type=int, default=5, help="draws of few photos (%(default)s)")
    parser.add_argument("--chart", type=Path, help="SVG file to draw accuracy by photos a class in")
    parser.add_argument("--tables", default="parts,few,calibration", help="those to print (%(default)s)")
    options = parser.parse_args()
    backbone = load_backbone(options.backbone)
    photos = {name: read_labelled(options.folder / name) for name in ("train", "valid")}
    breeds = sorted({photo.breed for photo in photos["train"]})
    cache = FeatureCache(options.cache, backbone.fingerprint)
    extracted = {name: extract_features(backbone, photos[name], cache, name) for name in photos}
    cache.close()
    train, valid = (
        (split.values, np.array([breeds.index(photo.breed) for photo in split.photos])) for split in extracted.values()
    )
    # None where ImageNet knows none of the classes: the head begins at discriminants anyway.
    start = imagenet_start(backbone.imagenet, breeds) if backbone.imagenet else None
    if "parts" in options.tables:
        if backbone.imagenet and start:
            _print_untrained(backbone.imagenet, breeds, valid)
        _print_parts(train, len(breeds), start)
    if "few" in options.tables:
        means = _print_few(train, valid, len(breeds), start, options.seeds)
        if options.chart:
            _draw(means, options.chart)
    if "calibration" in options.tables:
        _print_calibration(train, valid, len(breeds), start, options.seeds)


def _print_untrained(imagenet: Classifier, breeds: Sequence[str], valid: Split) -> None:
    """Print what ImageNet's classifier is worth without training, on the photos of breeds that it knows."""
    known = [IMAGENET_BREEDS.index(breed) for breed in breeds if breed in IMAGENET_BREEDS]
    logits = imagenet.logits(valid[0])[:, IMAGENET_DOGS]
    places = np.array([IMAGENET_BREEDS.index(breed) if breed in IMAGENET_BREEDS else -1 for breed in breeds])[valid[1]]
    among_all = logits.argmax(axis=1) == places
    among_known = np.array(known)[logits[:, known].argmax(axis=1)] == places
    print(
        f"untrained ImageNet head: {among_all.mean():.1%}; choosing among these breeds alone: {among_known.mean():.1%}"
    )


def _print_parts(train: Split, classes: int, start: Classifier | None) -> None:
    from sklearn.model_selection import StratifiedKFold

    print(f"\nby {FOLDS}-fold cross-validation of {len(train[1])} photos: top-1, and its mean over classes")
    for name, fit in {
        "logistic regression": _logistic,
        "head": _head(start, classes),
        "--start discriminants": _head(None, classes),
        "--balance 0": _head(start, classes, balance=0.0),
        "--balance 1": _head(start, classes, balance=1.0),
    }.items():
        answers = np.empty_like(train[1])
        for rest, out in StratifiedKFold(FOLDS, shuffle=True, random_state=0).split(*train):
            answers[out] = fit((train[0][rest], train[1][rest]))(train[0][out]).argmax(axis=1)
        print(f"{name:21} {(answers == train[1]).mean():.1%}  {_by_class(answers, train[1]):.1%}", flush=True)


def _print_few(
    train: Split, valid: Split, classes: int, start: Classifier | None, seeds: int
) -> dict[str, list[tuple[str, float, float]]]:
    """Print the accuracy on `valid`, mean over classes, by photos a class; return mean and deviation over the draws."""
    fits = {
        "logistic regression": _logistic,
        "head, --start discriminants": _head(None, classes),
        "head": _head(start, classes),
    }
    means: dict[str, list[tuple[str, float, float]]] = {name: [] for name in fits}
    print(f"\nphotos a class: mean over classes on {len(valid[1])} other photos, over {seeds} draws: {', '.join(fits)}")
    for count in (*PHOTOS_A_CLASS, None):
        results: dict[str, list[float]] = {name: [] for name in fits}
        for seed in range(seeds if count else 1):
            few = _draw_photos(train, count, seed)
            for name, fit in fits.items():
                answers = fit(few)(valid[0]).argmax(axis=1)
                results[name].append(_by_class(answers, valid[1]))
                if count is None:
                    print(f"trained on all, top-1: {name} {(answers == valid[1]).mean():.1%}")
        label = str(count or "all")
        for name, values in results.items():
            means[name].append((label, float(np.mean(values)), float(np.std(values))))
        shown = "  ".join(f"{mean:.1%} ± {deviation:.1%}" for *_, (_, mean, deviation) in means.values())
        print(f"{label:>4}  {shown}", flush=True)
    return means


def _print_calibration(train: Split, valid: Split, classes: int, start: Classifier | None, seeds: int) -> None:
    """Print how far confidence is from accuracy on `valid`, where the temperature is cross-validated on few photos."""
    print("\ncalibration error on the other photos, without a temperature and with a cross-validated one")
    for name, begun in (("--start discriminants", None), ("head", start)):
        for count in CALIBRATED_PHOTOS:
            errors = []
            for seed in range(seeds):
                few = _draw_photos(train, count, seed)
                logits = _head(begun, classes)(few)(valid[0])
                fitted = calibrate(*held_out_logits(few, classes, HeadOptions(), begun), None)
                errors.append([calibration_error(softmax(logits / t), valid[1]) for t in (1.0, fitted.temperature)])
            before, after = np.mean(errors, axis=0)
            print(f"{name:21} {count:3} photos a class: {before:.3f}, {after:.3f}", flush=True)


def _head(start: Classifier | None, classes: int, balance: float = HeadOptions.balance) -> Fit:
    def fit(train: Split) -> Callable[[np.ndarray], np.ndarray]:
        options = HeadOptions(balance=balance)
        head, _ = fit_head(train, (train[0][:0], train[1][:0]), classes, options, start)
        return head.logits

    return fit


def _logistic(train: Split) -> Callable[[np.ndarray], np.ndarray]:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), LogisticRegression(C=C, max_iter=1000)).fit(*train)
    return lambda values: np.asarray(model.predict_log_proba(values))


def _draw_photos(train: Split, count: int | None, seed: int) -> Split:
    if count is None:
        return train
    order = np.random.default_rng(seed).permutation(len(train[1]))
    chosen = np.concatenate([order[train[1][order] == label][:count] for label in np.unique(train[1])])
    return train[0][chosen], train[1][chosen]


def _by_class(answers: np.ndarray, labels: np.ndarray) -> float:
    return float(np.mean([(answers[labels == label] == label).mean() for label in np.unique(labels)]))


def _draw(means: dict[str, list[tuple[str, float, float]]], file: Path) -> None:
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "few photos"})  # text as text; always the same
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(6, 3.2), layout="constrained")
    for name, points in reversed(means.items()):
        labels, values, deviations = zip(*points, strict=True)
        axes.errorbar(labels, values, deviations, label=name, marker="o", markersize=3, capsize=2)
    axes.set(xlabel="photos a class", ylabel="accuracy, mean over classes", ylim=(None, 1))
    axes.yaxis.set_major_formatter("{x:.0%}")
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(file, metadata={"Date": None, "Creator": None, "Format": None, "Type": None})


if __name__ == "__main__":
    main()
