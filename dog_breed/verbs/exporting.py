"""The verb that writes a version without any training, or one as a file for devices; and what is told of its forms."""

from __future__ import annotations

import argparse
from pathlib import Path

from dog_breed.arguments import AddVerb, add_backbone, add_model
from local_server.tensorflow_import import import_tensorflow_quietly

STARTER = "efficientnet_lite2"
# Formats of a version as one file, and how its name ends.
ENDINGS = {"litert": "tflite", "onnx": "onnx"}


def add_verbs(verb: AddVerb) -> None:
    """Add it to the command line."""
    export = verb("export", _export, "Export a backbone with its ImageNet head: breeds without any training.")
    add_model(export)
    export.add_argument("--if-missing", action="store_true", help="do nothing if the model has a version already")
    export.add_argument(
        "--labels", action="store_true", help="write models.config, too, if it is missing: the live version is `stable`"
    )
    add_int8(export)
    export.add_argument(
        "--format",
        choices=tuple(ENDINGS),
        help="write one of the model's versions as one file instead, if it answers as the version does",
    )
    export.add_argument("--to", type=Path, metavar="FILE", help="name of that file (VERSION.tflite or VERSION.onnx)")
    export.add_argument("--version", type=int, help="version to write so (the newest)")
    export.add_argument("--photos", type=Path, help="folder of photos to compare answers on (drawn pictures)")
    add_backbone(export, default=STARTER)


def add_int8(parser: argparse.ArgumentParser) -> None:
    """Add the option for a graph in int8 to a verb that writes a version; None leaves it to the backbone."""
    parser.add_argument(
        "--int8",
        action=argparse.BooleanOptionalAction,
        help="add a graph in int8, of twice the speed on a CPU, if it answers alike; by default for the backbone "
        f"{STARTER} alone, where the machine can run it",
    )


def forms(version: Path) -> str:
    """Return what is to be told of a version's other forms, after commas; nothing of what is as usual."""
    from model_serving.savedmodel.card import CARD_FILE, ModelCard

    card = ModelCard.from_json((version / CARD_FILE).read_text(encoding="utf-8"))
    told = []
    if card.int8 and card.int8["kept"]:
        told.append(f"with a graph in int8, {card.int8['speedup']:.1f} times as fast here")
    elif card.int8:
        told.append(f"without a graph in int8: {card.int8['why_not']}")
    if card.on_device and not card.on_device["kept"]:
        told.append(f"without a file for devices: {card.on_device['why_not']}")
    return "".join(f", {words}" for words in told)


def _export(options: argparse.Namespace) -> None:
    if options.format:
        _export_file(options)
        return
    from model_serving.releases.labels import begin_labels
    from model_serving.savedmodel.versions import list_versions

    if options.if_missing and list_versions(options.model):
        print(f"{options.model} has a version already")
    else:
        import_tensorflow_quietly()
        from model_serving.backbones import load_backbone
        from model_serving.backbones.int8 import int8_record, is_int8_wanted
        from model_serving.savedmodel.export import export_imagenet_head
        from model_serving.savedmodel.int8_gate import require_possible

        backbone = load_backbone(options.backbone, options.weights, options.size)
        if options.int8:
            require_possible(has_ranges=int8_record(backbone, nearest=True) is not None)
        in_int8 = is_int8_wanted(backbone.name, options.int8)
        path = export_imagenet_head(options.model, backbone, in_int8=in_int8)
        print(f"exported {path}{forms(path)}")
    if options.labels:
        print(f"--model_config_file={begin_labels(options.model)}")


def _export_file(options: argparse.Namespace) -> None:
    import_tensorflow_quietly()
    from model_serving.data.files import photos_below
    from model_serving.errors import DatasetError
    from model_serving.savedmodel.comparison import FEWEST_PHOTOS
    from model_serving.savedmodel.on_device_gate import FORMATS, JudgingPhotos, write_device_file
    from model_serving.savedmodel.versions import version_or_latest

    version = version_or_latest(options.model, options.version)
    photos = JudgingPhotos(photos_below(options.photos), "photos") if options.photos else None
    if photos and len(photos.paths) < FEWEST_PHOTOS:
        raise DatasetError(f"{options.photos} has {len(photos.paths)} photos; it takes {FEWEST_PHOTOS} to compare on.")
    file = options.to or Path(f"{version.name}.{ENDINGS[options.format]}")
    judged = write_device_file(version, file, photos, FORMATS[options.format])
    print(f"wrote {file}: the same first answer as {version} to {judged['agreement']:.1%} of", end=" ")
    print(f"{judged['photos']} {judged['judged_on']}")
