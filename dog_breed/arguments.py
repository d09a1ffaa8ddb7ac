"""Arguments that several verbs take, and what their values may be."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from model_serving.data.lists import Columns


MODEL = Path("models/dog_breed")
# Sides of a network's input: a smaller one leaves a map of one cell, a larger one takes a gigabyte and more a batch.
SMALLEST_SIZE, LARGEST_SIZE = 64, 1024

# Adds a verb by its name, the function that runs it and its description, and returns its parser.
AddVerb = Callable[[str, Callable[[argparse.Namespace], None], str], argparse.ArgumentParser]


def port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise argparse.ArgumentTypeError(f"{text!r} is no port; ports are 1 to 65535")
    return int(text)


def positive(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no positive number")
    return int(text)


def size(text: str) -> int:
    if not text.isdecimal() or not SMALLEST_SIZE <= int(text) <= LARGEST_SIZE:
        raise argparse.ArgumentTypeError(f"{text!r} is no size; sizes are {SMALLEST_SIZE} to {LARGEST_SIZE} pixels")
    return int(text)


def share(text: str) -> float:
    return _number_to(1, text)


def percent(text: str) -> float:
    return _number_to(100, text)


def _number_to(most: int, text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number <= most:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 0 to {most}")
    return number


def count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no number")
    return int(text)


def add_data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "data",
        type=Path,
        help="class folders, in train/, valid/ and test/ or without; a CSV or Parquet list of files and labels, or a "
        "folder with it; or a zip file of one of these",
    )
    add_columns(parser)
    parser.add_argument(
        "--also",
        type=Path,
        action="append",
        default=[],
        metavar="FOLDER",
        help="folder of class folders that join the training photos, such as the gateway's feedback; may be repeated",
    )


def add_columns(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--photo-column", metavar="NAME", help="column of a list that names the files")
    parser.add_argument("--label-column", metavar="NAME", help="column of a list that names the classes")


def columns(options: argparse.Namespace) -> Columns:
    """Return the columns of a list that a person names."""
    from model_serving.data.lists import Columns  # loads Pillow, which other verbs do without

    return Columns(options.photo_column, options.label_column)


def add_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", type=Path, default=MODEL, help="folder of the model's versions (%(default)s)")


def add_engine(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--engine",
        choices=("local", "ray"),
        default="local",
        help="what works on the photos: this process, or Ray's here or at $RAY_ADDRESS (%(default)s)",
    )
    parser.add_argument(
        "--workers", type=positive, help="with --engine ray: processes that hold the network (one a core)"
    )


def add_backbone(parser: argparse.ArgumentParser, default: str) -> None:
    parser.add_argument("--backbone", default=default, help="name in the registry of backbones (%(default)s)")
    parser.add_argument("--weights", help="file of pretrained weights, or `random`; by default the backbone's own")
    parser.add_argument(
        "--size", type=size, metavar="PIXELS", help="side of the input; by default the best, as measured"
    )
