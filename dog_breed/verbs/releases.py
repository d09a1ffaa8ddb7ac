"""Verbs for versions: models, promote, rollback, canary, legacy, prune, pack, unpack."""

from __future__ import annotations

import argparse
from pathlib import Path

from dog_breed.arguments import AddVerb, add_model, count, percent, positive
from local_server.tensorflow_import import import_tensorflow_quietly


def add_verbs(verb: AddVerb) -> None:
    """Add them to the command line."""
    add_model(verb("models", _models, "List the versions: which one is live, since when, how good."))
    promote = verb("promote", _promote, "Make a version the live one; those above it go to the shelf.")
    promote.add_argument("version", type=positive)
    add_model(promote)
    add_model(verb("rollback", _rollback, "Go back to the version before the live one, which goes to the shelf."))
    canary = verb("canary", _canary, "Write the file that serves a version as `canary` beside the live one, `stable`.")
    canary.add_argument("version", type=positive)
    canary.add_argument("--percent", type=percent, help="share of a gateway's callers whom it answers, 0 to 100")
    add_model(canary)
    legacy = verb("legacy", _legacy, "Write a version under the names that clients of the first release (2018) ask by.")
    legacy.add_argument("folder", type=Path, help="folder of the copy's versions, for a server of its own")
    legacy.add_argument("--version", type=positive, help="the version to copy; by default the live one")
    add_model(legacy)
    prune = verb("prune", _prune, "Delete old versions, never the live one.")
    prune.add_argument("--keep", type=count, default=3, help="how many of the others to keep (%(default)s)")
    add_model(prune)
    pack = verb("pack", _pack, "Put a version, with its card and report, into one zip file to take elsewhere.")
    pack.add_argument("version", type=positive)
    pack.add_argument("file", type=Path, help="the zip file to write; none is overwritten")
    add_model(pack)
    unpack = verb("unpack", _unpack, "Make a packed version the next one, which goes live.")
    unpack.add_argument("file", type=Path, help="a zip file of `pack`, from somebody you trust: a model is a program")
    unpack.add_argument("--shelf", action="store_true", help="leave the live version live; `promote` changes that")
    add_model(unpack)


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

    print(f"--model_config_file={serve_canary(options.model, options.version, options.percent)}")


def _legacy(options: argparse.Namespace) -> None:
    import_tensorflow_quietly()
    from model_serving.savedmodel.legacy import write_legacy
    from model_serving.savedmodel.versions import version_or_latest

    print(f"exported {write_legacy(options.folder, version_or_latest(options.model, options.version))}")


def _prune(options: argparse.Namespace) -> None:
    from model_serving.releases.labels import drop_unlabelled
    from model_serving.releases.shelf import prune

    deleted = prune(options.model, options.keep)
    drop_unlabelled(options.model)
    print(f"deleted {', '.join(f'version {version}' for version in deleted) or 'nothing'}")


def _pack(options: argparse.Namespace) -> None:
    from model_serving.releases.packing import pack

    pack(options.model, options.version, options.file)
    print(f"packed version {options.version} into {options.file}")


def _unpack(options: argparse.Namespace) -> None:
    from model_serving.releases.labels import follow_live
    from model_serving.releases.packing import unpack_version

    path = unpack_version(options.file, options.model, shelved=options.shelf)
    if not options.shelf:
        follow_live(options.model)
    print(f"version {path.name} is {'on the shelf' if options.shelf else 'live'}")
