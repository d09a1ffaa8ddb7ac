"""The `dog-breed` command: from photos to a served model, and the whole product on a laptop."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from model_serving.errors import ModelServingError, PredictionError, ScoringError
from model_serving.quiet import import_tensorflow_quietly

DATA = Path("data/dogImages")
MODEL = Path("models/dog_breed")
FEATURE_CACHE = Path("build/features.sqlite")
STARTER = "efficientnet_lite2"
API_KEY_VARIABLE = "DETECTOR_API_KEY"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one verb; what a person can mend, such as a full disk, is one line on stderr, with exit status 1."""
    options = build_parser().parse_args(arguments)
    try:
        options.verb(options)
    except ModelServingError as error:
        sys.exit(f"dog-breed: {error}")
    except BrokenPipeError:  # Whoever read the output has read enough; what is still to be flushed goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        sys.exit(f"dog-breed: {error}. Mend that and run the command again; what it has done so far is kept.")
    except KeyboardInterrupt:
        sys.exit(130)


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line; `parse_args(...).verb` is the function that runs it."""
    parser = argparse.ArgumentParser(prog="dog-breed", description=__doc__)
    verbs = parser.add_subparsers(required=True, metavar="VERB")

    def verb(name: str, function: object, description: str) -> argparse.ArgumentParser:
        sub = verbs.add_parser(name, help=description, description=description)
        sub.set_defaults(verb=function)
        return sub

    download = verb("download", _download, "Fetch a data set of labelled photos: Udacity's dogImages, or any zip file.")
    download.add_argument("--to", type=Path, default=DATA, help="folder to put the photos in (%(default)s)")
    download.add_argument("--url", help="address of another zip file")
    download.add_argument("--sha256", type=str.lower, help="what the SHA-256 of the zip file must be")

    inspect = verb("inspect", _inspect, "Look a data set over: counts, broken photos, one picture in two places.")
    _add_data(inspect)

    export = verb("export", _export, "Export a backbone with its ImageNet head: breeds without any training.")
    _add_model(export)
    export.add_argument("--if-missing", action="store_true", help="do nothing if the model has a version already")
    _add_backbone(export, default=STARTER)

    train = verb("train", _train, "Train a head on class folders of photos and export it as the next version.")
    _add_data(train)
    _add_model(train)
    train.add_argument("--cache", type=Path, default=FEATURE_CACHE, help="file of computed features (%(default)s)")
    train.add_argument(
        "--epochs", type=_positive, default=20, help="most passes over the training photos (%(default)s)"
    )
    train.add_argument(
        "--start",
        choices=("imagenet", "zeros"),
        default="imagenet",
        help="what the head begins at: ImageNet's classifier, for breeds that it knows, or nothing (%(default)s)",
    )
    train.add_argument(
        "--balance",
        type=_share,
        default=0.5,
        help="how much more a photo of a rare breed counts: from 0, all photos alike, to 1, all breeds (%(default)s)",
    )
    train.add_argument(
        "--promote",
        choices=("better", "always", "never"),
        default="better",
        help="whether it takes the live version's place: by default unless it is worse on the test photos",
    )
    _add_backbone(train, default="densenet201")
    _add_engine(train)

    evaluate = verb("evaluate", _evaluate, "Print a version's accuracy on labelled photos.")
    evaluate.add_argument("photos", type=Path, help="folder of class folders, or a CSV file of file,label lines")
    _add_model(evaluate)
    evaluate.add_argument("--version", type=int, help="version to evaluate (the newest)")

    score = verb("score", _score, "Classify every photo below a folder, to a CSV, NDJSON or Parquet file.")
    score.add_argument("folder", type=Path, help="folder of photos, in whatever folders below it")
    score.add_argument("--out", type=Path, default=Path("scores.csv"), help="file to write (%(default)s)")
    score.add_argument("--sort-into", type=Path, metavar="DIR", help="link the photos into DIR/<breed>/")
    score.add_argument("--copy", action="store_true", help="with --sort-into: copy rather than link")
    score.add_argument(
        "--server", metavar="HOST:PORT", help="ask the running server there instead of the exported model"
    )
    score.add_argument("--name", default="dog_breed", help="with --server: the model's name there (%(default)s)")
    score.add_argument(
        "--concurrency", type=_positive, default=4, help="with --server: requests in flight (%(default)s)"
    )
    score.add_argument("--version", type=int, help="without --server: version to use (the newest)")
    _add_engine(score)
    _add_model(score)

    _add_model(verb("models", _models, "List the versions: which one is live, since when, how good."))
    promote = verb("promote", _promote, "Make a version the live one; those above it go to the shelf.")
    promote.add_argument("version", type=_positive)
    _add_model(promote)
    _add_model(verb("rollback", _rollback, "Go back to the version before the live one, which goes to the shelf."))
    canary = verb("canary", _canary, "Write the file that serves a version as `canary` beside the live one, `stable`.")
    canary.add_argument("version", type=_positive)
    _add_model(canary)
    prune = verb("prune", _prune, "Delete old versions, never the live one.")
    prune.add_argument("--keep", type=_count, default=3, help="how many of the others to keep (%(default)s)")
    _add_model(prune)

    predict = verb("predict", _predict, "Ask a running gateway for the breed in each photo.")
    predict.add_argument("photos", nargs="+", metavar="PHOTO", help="file, folder of photos, or - for standard input")
    predict.add_argument("--url", default="http://localhost:8080", help="address of the gateway (%(default)s)")
    predict.add_argument("--json", action="store_true", help="a line of JSON for each photo instead of a table")
    predict.add_argument(
        "--top-k", type=int, choices=range(1, 6), default=5, help="with --json: how many breeds to name (%(default)s)"
    )
    predict.add_argument("--api-key", help=f"key for a gateway that asks for one (the variable {API_KEY_VARIABLE})")

    run = verb(
        "run", _run, "Serve page, gateway and model on this machine until Ctrl-C; makes the starter model if needed."
    )
    _add_model(run)
    run.add_argument("--host", default="127.0.0.1", help="address of the page; 0.0.0.0 opens it to the network")
    run.add_argument("--port", type=_port, default=8080, help="port of the page (%(default)s)")
    run.add_argument("--grpc-port", type=_port, default=8500, help="port of the model server's gRPC API (%(default)s)")
    run.add_argument("--rest-port", type=_port, default=8501, help="port of the model server's REST API (%(default)s)")
    return parser


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise argparse.ArgumentTypeError(f"{text!r} is no port; ports are 1 to 65535")
    return int(text)


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no positive number")
    return int(text)


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 0 to 1")
    return share


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no number")
    return int(text)


def _add_data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("data", type=Path, help="folder of class folders, or of train/, valid/ and test/ with them")
    parser.add_argument(
        "--also",
        type=Path,
        action="append",
        default=[],
        metavar="FOLDER",
        help="folder of class folders that join the training photos, such as the gateway's feedback; may be repeated",
    )


def _add_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", type=Path, default=MODEL, help="folder of the model's versions (%(default)s)")


def _add_engine(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--engine",
        choices=("local", "ray"),
        default="local",
        help="what works on the photos: this process, or Ray's here or at $RAY_ADDRESS (%(default)s)",
    )
    parser.add_argument(
        "--workers", type=_positive, help="with --engine ray: processes that hold the network (one a core)"
    )


def _add_backbone(parser: argparse.ArgumentParser, default: str) -> None:
    parser.add_argument("--backbone", default=default, help="name in the registry of backbones (%(default)s)")
    parser.add_argument("--weights", help="file of pretrained weights, or `random`; by default the backbone's own")


# Each verb imports what it needs when it runs: TensorFlow takes seconds to import, and `--help` should not.


def _download(options: argparse.Namespace) -> None:
    from model_serving.data.download import REFERENCE, Archive, download

    download(Archive(options.url, sha256=options.sha256) if options.url else REFERENCE, options.to)


def _inspect(options: argparse.Namespace) -> None:
    from model_serving.data.additions import add_photos
    from model_serving.data.dataset import read_dataset
    from model_serving.data.inspection import inspect

    dataset, additions = add_photos(read_dataset(options.data), options.also)
    if options.also:
        print(additions)
    print(inspect(dataset))


def _export(options: argparse.Namespace) -> None:
    from model_serving.savedmodel.versions import list_versions

    if options.if_missing and list_versions(options.model):
        print(f"{options.model} has a version already")
        return
    import_tensorflow_quietly()
    from model_serving.backbones import load_backbone
    from model_serving.savedmodel.export import export_imagenet_head

    print(f"exported {export_imagenet_head(options.model, load_backbone(options.backbone, options.weights))}")


def _train(options: argparse.Namespace) -> None:
    import_tensorflow_quietly()
    from model_serving.data.dataset import read_dataset
    from model_serving.releases.choice import choose
    from model_serving.releases.shelf import find_version
    from model_serving.report.page import HTML_FILE
    from model_serving.training.features import Pooling, pool_here
    from model_serving.training.head import HeadOptions
    from model_serving.training.train import train

    head_options = HeadOptions(epochs=options.epochs, start=options.start, balance=options.balance)
    pooling: Pooling = pool_here
    with ExitStack() as stack:
        if options.engine == "ray":
            from model_serving.distributed.cluster import cluster
            from model_serving.distributed.features import pool_on_ray

            pooling = partial(pool_on_ray, workers=stack.enter_context(cluster(options.workers)))
        version, card = train(
            options.data,
            options.model,
            options.backbone,
            options.weights,
            options.cache,
            head_options,
            options.also,
            pooling,
        )
    number, top1 = int(version.name), card.test["top1"] if card.test else None
    choose(options.model, number, top1, read_dataset(options.data).splits["test"], options.promote)
    print(f"report: {find_version(options.model, number) / HTML_FILE}")


def _evaluate(options: argparse.Namespace) -> None:
    import_tensorflow_quietly()
    from model_serving.data.dataset import read_class_folders, read_list
    from model_serving.savedmodel.versions import version_or_latest
    from model_serving.training.evaluate import evaluate

    version = version_or_latest(options.model, options.version)
    photos = read_list(options.photos) if options.photos.is_file() else read_class_folders(options.photos)
    evaluation = evaluate(version, photos)
    for path, reason in evaluation.skipped:
        print(f"skipped {path}: {reason}")
    for breed, count in sorted(evaluation.unknown.items()):
        print(f"not a breed of this model: {breed} ({count})")
    print(f"{version}: {evaluation.figures}")


def _score(options: argparse.Namespace) -> None:
    from model_serving.scoring import sorting, tables
    from model_serving.scoring.journal import Row

    tables.check(options.out)
    if options.sort_into:
        sorting.check(options.folder, options.sort_into)
    if options.engine == "ray" and options.server:
        raise ScoringError("A running server is asked without --engine ray. Leave one of --engine and --server out.")
    import_tensorflow_quietly()
    from model_serving.savedmodel.versions import version_or_latest
    from model_serving.scoring.models import LocalModel, Model, ServedModel
    from model_serving.scoring.score import score

    def sort(rows: Iterable[Row]) -> None:
        count = sorting.sort_into(options.folder, options.sort_into, rows, options.copy)
        print(f"{count} photos {'copied' if options.copy else 'linked'} below {options.sort_into}")

    model: Model
    if options.server:
        model = ServedModel(options.server, options.name, options.concurrency)
        source = f"{options.name}, version {model.version}, at {options.server}"
    else:
        version = version_or_latest(options.model, options.version)
        source = str(version.resolve())
    job = {"photos": str(options.folder.resolve()), "model": source}
    sorter = sort if options.sort_into else None
    if options.engine == "ray":
        from model_serving.distributed.scoring import score_on_ray

        count, unreadable = score_on_ray(options.folder, version, job, options.out, options.workers, sorter)
    else:
        if not options.server:
            model = LocalModel(version)
        try:
            rows = score(options.folder, model, job, options.out, sorter)
        finally:
            model.close()
        count, unreadable = len(rows), [row for row in rows if row["error"]]
    for row in unreadable:
        print(f"skipped {row['file']}: {row['error']}")
    print(f"{count} photos, {len(unreadable)} of them unreadable: {options.out}")


def _models(options: argparse.Namespace) -> None:
    from model_serving.releases.shelf import require_live
    from model_serving.releases.table import versions_table

    require_live(options.model)
    print(versions_table(options.model))


def _promote(options: argparse.Namespace) -> None:
    from model_serving.releases.labels import follow_live
    from model_serving.releases.shelf import promote

    promote(options.model, options.version)
    follow_live(options.model)
    print(f"version {options.version} is live")


def _rollback(options: argparse.Namespace) -> None:
    from model_serving.releases.labels import follow_live
    from model_serving.releases.shelf import rollback

    version = rollback(options.model)
    follow_live(options.model)
    print(f"version {version} is live")


def _canary(options: argparse.Namespace) -> None:
    from model_serving.releases.labels import serve_canary

    print(f"--model_config_file={serve_canary(options.model, options.version)}")


def _prune(options: argparse.Namespace) -> None:
    from model_serving.releases.labels import drop_unlabelled
    from model_serving.releases.shelf import prune

    deleted = prune(options.model, options.keep)
    drop_unlabelled(options.model)
    print(f"deleted {', '.join(f'version {version}' for version in deleted) or 'nothing'}")


def _predict(options: argparse.Namespace) -> None:
    try:
        from detector_api.client.command import predict
    except ModuleNotFoundError as error:
        if error.name != "httpx":
            raise
        raise PredictionError(
            "`predict` needs httpx, which is not installed: pip install 'dog-breed-detector[client]'"
        ) from error

    api_key = options.api_key or os.environ.get(API_KEY_VARIABLE)
    predict(options.photos, options.url, api_key, options.top_k, options.json)


def _run(options: argparse.Namespace) -> None:
    from detector_app.laptop import run

    run(options.model, options.host, options.port, options.grpc_port, options.rest_port)
