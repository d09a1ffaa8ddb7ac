"""Answers in print: a table for people, JSON lines for programs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict

from detector_api.client.answers import PhotoAnswer
from detector_api.client.errors import DetectorError

Printer = Callable[[str, PhotoAnswer], None]
DOG = {True: "yes", False: "no", None: "?"}


def table(files: Iterable[str], breeds: Iterable[str]) -> Printer:
    """Print the head of a table that these names fit into, and return what prints a row for a photo with an answer."""
    file_width = max((len(shown(file)) for file in files), default=0)
    breed_width = max((len(breed) for breed in breeds), default=0)

    def row(file: str, breed: str, confidence: str, dog: str) -> None:
        print(f"{file:<{file_width}}  {breed:<{breed_width}}  {confidence:>10}  {dog}", flush=True)

    def print_row(file: str, answer: PhotoAnswer) -> None:
        if seen := answer.prediction:
            row(shown(file), seen.breed, f"{seen.confidence:.1%}", DOG[seen.is_dog])

    row("file", "breed", "confidence", "dog")
    return print_row


def print_json(file: str, answer: PhotoAnswer) -> None:
    """Print a photo's file and its prediction, or its error, in one line of JSON."""
    if answer.prediction:
        said = {"prediction": {name: value for name, value in asdict(answer.prediction).items() if name != "heatmap"}}
    else:
        assert answer.error
        said = {"error": problem(answer.error)}
    print(json.dumps({"file": file, **said}), flush=True)


def problem(error: DetectorError) -> dict[str, object]:
    """Return what an error tells, without what it does not know."""
    fields = {"code": error.code, "status": error.status, "detail": error.detail, "request_id": error.request_id}
    return {name: value for name, value in fields.items() if value is not None}


def shown(file: str) -> str:
    """Return a file's name fit for a terminal, which must not obey it nor break a line for it."""
    return file if file.isprintable() else ascii(file)[1:-1]
