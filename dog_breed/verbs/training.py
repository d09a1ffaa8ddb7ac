"""Verbs that lead from photos to a trained version: download, inspect, train, evaluate, calibrate."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from dog_breed.arguments import (
    AddVerb,
    add_backbone,
    add_columns,
    add_data,
    add_engine,
    add_model,
    columns,
    positive,
    share,
)
from dog_breed.verbs.exporting import add_int8, forms
from local_server.tensorflow_import import import_tensorflow_quietly
from model_serving.training.head_options import HeadOptions

DATA = Path("data/dogImages")
FEATURE_CACHE = Path("build/features.sqlite")


def add_verbs(verb: AddVerb) -> None:
    """Add them to the command line."""
    download = verb("download", _download, "Fetch a data set of labelled photos: Udacity's dogImages, or any zip file.")
    download.add_argument("--to", type=Path, default=DATA, help="folder to put the photos in (%(default)s)")
    download.add_argument("--url", help="address of another zip file")
    download.add_argument("--sha256", type=str.lower, help="what the SHA-256 of the zip file must be")

    inspect = verb("inspect", _inspect, "Look a data set over: counts, broken photos, one picture in two places.")
    add_data(inspect)

    train = verb("train", _train, "Train a head on class folders of photos and export it as the next version.")
    add_data(train)
    add_model(train)
    train.add_argument("--cache", type=Path, default=FEATURE_CACHE, help="file of computed features (%(default)s)")
    train.add_argument(
        "--epochs", type=positive, default=HeadOptions.epochs, help="most passes over the training photos (%(default)s)"
    )
    train.add_argument(
        "--start",
        choices=("imagenet", "discriminants"),
        default=HeadOptions.start,
        help="what the head begins at: ImageNet's classifier, or linear discriminants of the photos (%(default)s)",
    )
    train.add_argument(
        "--balance",
        type=share,
        default=HeadOptions.balance,
        help="how much more a photo of a rare breed counts: from 0, all photos alike, to 1, all breeds (%(default)s)",
    )
    train.add_argument(
        "--promote",
        choices=("better", "always", "never"),
        default="better",
        help="whether it takes the live version's place: by default unless it is worse on the test photos",
    )
    train.add_argument(
        "--drop",
        type=Path,
        metavar="FILE",
        help="CSV file whose column `file` names photos to leave out, such as the report's likely_wrong_labels.csv",
    )
    train.add_argument(
        "--subject",
        action="append",
        default=[],
        metavar="ONE/MANY/CLASS",
        help="what the classes are, such as cat/cats/breed, and again for another language, such as "
        "de:Katze/Katzen/Rasse; by default dogs, if the photos look like dogs",
    )
    train.add_argument(
        "--dry-run", action="store_true", help="only say what it found, how long it takes, what it writes"
    )
    add_int8(train)
    add_backbone(train, default="densenet201")
    add_engine(train)

    evaluate = verb("evaluate", _evaluate, "Print a version's accuracy on labelled photos.")
    evaluate.add_argument(
        "photos", type=Path, help="labelled photos, as for train; of those with splits the test photos count"
    )
    add_columns(evaluate)
    add_model(evaluate)
    evaluate.add_argument("--version", type=int, help="version to evaluate (the newest)")

    calibrate = verb(
        "calibrate", _calibrate, "Fit a version's confidence and thresholds to photos, as the next version."
    )
    calibrate.add_argument("photos", type=Path, help="photos that it has not learned from, as `evaluate` takes them")
    calibrate.add_argument("--source", help="name of the photos, for the model card (their folder's)")
    add_columns(calibrate)
    add_model(calibrate)
    calibrate.add_argument("--version", type=int, help="version to calibrate (the newest)")


def _download(options: argparse.Namespace) -> None:
    from model_serving.data.download import REFERENCE, Archive, download

    download(Archive(options.url, sha256=options.sha256) if options.url else REFERENCE, options.to)


def _inspect(options: argparse.Namespace) -> None:
    from model_serving.data.additions import add_photos
    from model_serving.data.dataset import read_dataset
    from model_serving.data.inspection import inspect

    dataset, additions = add_photos(read_dataset(options.data, columns(options)), options.also)
    if options.also:
        print(additions)
    print(inspect(dataset))


def _train(options: argparse.Namespace) -> None:
    from model_serving.subject import Subject

    subject = Subject.parse(options.subject)
    import_tensorflow_quietly()
    from model_serving.releases.promotion import promote_unless_worse
    from model_serving.releases.shelf import find_version
    from model_serving.report.page import HTML_FILE
    from model_serving.training.features import Pooling, pool_here
    from model_serving.training.plan import plan_training
    from model_serving.training.train import train

    head_options = HeadOptions(epochs=options.epochs, start=options.start, balance=options.balance)
    what = (options.data, options.model, options.backbone, options.weights, options.cache, head_options, options.also)
    how = {"size": options.size, "columns": columns(options), "drop": options.drop, "subject": subject}
    how["in_int8"] = options.int8
    if options.dry_run:
        print(plan_training(*what, **how))
        return
    pooling: Pooling = pool_here
    with ExitStack() as stack:
        if options.engine == "ray":
            from model_serving.distributed.cluster import cluster
            from model_serving.distributed.features import pool_on_ray

            pooling = partial(pool_on_ray, workers=stack.enter_context(cluster(options.workers)))
        trained = train(*what, pooling=pooling, **how)
    number, top1 = int(trained.path.name), trained.card.test["top1"] if trained.card.test else None
    promote_unless_worse(options.model, number, top1, trained.test_photos, options.promote)
    version = find_version(options.model, number)
    print(f"report: {version / HTML_FILE}{forms(version)}")


def _evaluate(options: argparse.Namespace) -> None:
    import_tensorflow_quietly()
    from model_serving.data.dataset import read_test_photos
    from model_serving.savedmodel.versions import version_or_latest
    from model_serving.training.evaluate import evaluate

    version = version_or_latest(options.model, options.version)
    evaluation = evaluate(version, read_test_photos(options.photos, columns(options)))
    _print_left_out(evaluation.skipped, evaluation.unknown)
    print(f"{version}: {evaluation.metrics}")


def _calibrate(options: argparse.Namespace) -> None:
    import_tensorflow_quietly()
    from model_serving.data.dataset import read_test_photos
    from model_serving.releases.labels import follow_live
    from model_serving.savedmodel.versions import version_or_latest
    from model_serving.training.recalibrate import recalibrate

    version = version_or_latest(options.model, options.version)
    photos = read_test_photos(options.photos, columns(options))
    calibrated = recalibrate(options.model, version, photos, options.source or options.photos.resolve().name)
    _print_left_out(calibrated.answers.skipped, calibrated.answers.unknown)
    thresholds = calibrated.card.thresholds
    print(f"before: {calibrated.before}")
    print(f"after:  {calibrated.after}")
    dog = f", a dog from {thresholds.dog:.1%} on" if calibrated.card.detects_dogs else ""
    print(f"temperature {calibrated.card.temperature:.2f}; sure from {thresholds.sure:.0%} on{dog}")
    follow_live(options.model)
    print(f"exported {calibrated.path}")


def _print_left_out(skipped: Iterable[tuple[Path, str]], unknown: Mapping[str, int]) -> None:
    from model_serving.photos.labels import possible_breeds

    for path, reason in skipped:
        print(f"skipped {path}: {reason}")
    for breed, count in sorted(unknown.items()):
        meanings = f"; it may mean {', '.join(possible)}" if (possible := possible_breeds(breed)) else ""
        print(f"not known to this model: {breed} ({count}){meanings}")
