"""The verb `score`, which classifies whole folders."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from pathlib import Path

from dog_breed.arguments import AddVerb, add_engine, add_model, positive
from local_server.tensorflow_import import import_tensorflow_quietly
from model_serving.errors import ScoringError
from model_serving.scoring.journal import ScoreRow

Sort = Callable[[Iterable[ScoreRow]], object]


def add_verbs(verb: AddVerb) -> None:
    """Add them to the command line."""
    score = verb("score", _score, "Classify every photo below a folder, to a CSV, NDJSON or Parquet file.")
    score.add_argument("folder", type=Path, help="folder of photos, in whatever folders below it, or a zip file of one")
    score.add_argument("--out", type=Path, default=Path("scores.csv"), help="file to write (%(default)s)")
    score.add_argument(
        "--find",
        choices=("auto", "all", "no"),
        default="no",
        help="search the whole photo for dogs: where its centre shows none or no breed near to sure (auto), or always, "
        "with a row for each dog (all); not with --engine ray (%(default)s)",
    )
    score.add_argument("--sort-into", type=Path, metavar="DIR", help="link the photos into DIR/<class>/")
    score.add_argument("--copy", action="store_true", help="with --sort-into: copy rather than link")
    score.add_argument(
        "--server", metavar="HOST:PORT", help="ask the running server there instead of the exported model"
    )
    score.add_argument("--name", default="dog_breed", help="with --server: the model's name there (%(default)s)")
    score.add_argument(
        "--concurrency", type=positive, default=4, help="with --server: requests in flight (%(default)s)"
    )
    score.add_argument("--version", type=int, help="without --server: version to use (the newest)")
    add_engine(score)
    add_model(score)


def _score(options: argparse.Namespace) -> None:
    from model_serving.data.unpack import unpacked
    from model_serving.scoring import sorting, tables

    tables.require_writable(options.out)
    options.folder = unpacked(options.folder)
    if options.sort_into:
        sorting.require_outside(options.folder, options.sort_into)
    if options.engine == "ray" and options.server:
        raise ScoringError("A running server is asked without --engine ray. Leave one of --engine and --server out.")
    if options.engine == "ray" and options.find != "no":
        raise ScoringError("Photos are searched without --engine ray. Leave one of --engine and --find out.")
    import_tensorflow_quietly()

    def sort(rows: Iterable[ScoreRow]) -> None:
        count = sorting.sort_into(options.folder, options.sort_into, rows, options.copy)
        print(f"{count} photos {'copied' if options.copy else 'linked'} below {options.sort_into}")

    engine = _score_on_ray if options.engine == "ray" else _score_here
    count, unreadable = engine(options, sort if options.sort_into else None)
    for row in unreadable:
        print(f"skipped {row['file']}: {row['error']}")
    print(f"{count} photos, {len(unreadable)} of them unreadable: {options.out}")


def _score_here(options: argparse.Namespace, sort: Sort | None) -> tuple[int, list[ScoreRow]]:
    from model_serving.savedmodel.card import FLOAT32
    from model_serving.savedmodel.versions import version_or_latest
    from model_serving.scoring.predictors import LocalPredictor, Predictor, ServerPredictor
    from model_serving.scoring.score import score

    predictor: Predictor
    if options.server:
        predictor = ServerPredictor(options.server, options.name, options.concurrency)
        source = f"{options.name}, version {predictor.version}, at {options.server}"
    else:
        version = version_or_latest(options.model, options.version)
        predictor, source = LocalPredictor(version), str(version.resolve())
    if predictor.card.arithmetic != FLOAT32:  # its answers must not be mixed with those of the other graph
        source += f", {predictor.card.arithmetic}"
    try:
        rows = score(options.folder, predictor, _job(options, source), options.out, sort, options.find)
    finally:
        predictor.close()
    return len(rows), [row for row in rows if row["error"]]


def _score_on_ray(options: argparse.Namespace, sort: Sort | None) -> tuple[int, list[ScoreRow]]:
    from local_server.inference.saved_model import has_meta_graph
    from model_serving.distributed.scoring import score_on_ray
    from model_serving.savedmodel.card import INT8
    from model_serving.savedmodel.tags import FLOAT32_TAGS, preferred_tags
    from model_serving.savedmodel.versions import version_or_latest

    version = version_or_latest(options.model, options.version)
    source = str(version.resolve())
    if preferred_tags() != FLOAT32_TAGS and has_meta_graph(version, preferred_tags()):
        source += f", {INT8}"
    job = _job(options, source)
    return score_on_ray(options.folder, version, job, options.out, options.workers, sort)


def _job(options: argparse.Namespace, source: str) -> dict[str, str]:
    """Return the identity of a job; the engine is no part of it, as it changes no answer."""
    job = {"photos": str(options.folder.resolve()), "model": source}
    return job if options.find == "no" else job | {"find": options.find}
