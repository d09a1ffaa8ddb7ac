"""Printed answers: a table for people, JSON lines for programs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from detector_api.client.answers import Dog, PhotoAnswer, Prediction
from detector_api.client.errors import DetectorError

PrintAnswer = Callable[[str, PhotoAnswer], None]
DOG = {True: "yes", False: "no", None: "?"}


def print_table(files: Iterable[str], card: Mapping[str, Any]) -> PrintAnswer:
    """Print the header of a table wide enough for these names, and return the function that prints a row.

    A model of something else than dogs, as its card says, has no column of dogs.
    """
    subject = card.get("subject") or {"one": "dog", "class": "breed"}
    heading, of_dogs = subject["class"], subject["one"] == "dog"
    file_width = max((len(printable(file)) for file in files), default=0)
    breed_width = max(len(name) for name in (heading, *card["breeds"]))

    def row(file: str, breed: str, confidence: str, dog: str) -> None:
        print(
            f"{file:<{file_width}}  {breed:<{breed_width}}  {confidence:>10}{f'  {dog}' if of_dogs else ''}", flush=True
        )

    def print_row(file: str, answer: PhotoAnswer) -> None:
        if seen := answer.prediction:
            rows: Sequence[Dog | Prediction] = seen.dogs or [seen]
            for dog in rows:
                is_dog = seen.is_dog if dog is seen else True
                row(printable(file), dog.breed, f"{dog.confidence:.1%}", DOG[is_dog])

    row("file", heading, "confidence", "dog")
    return print_row


def print_json(file: str, answer: PhotoAnswer) -> None:
    """Print a photo's file name with its prediction or its error as one line of JSON."""
    if answer.prediction:
        prediction = asdict(answer.prediction)
        del prediction["heatmap"]
        for name in ("box", "search", "dogs"):  # of gateways and models that search
            if prediction[name] is None:
                del prediction[name]
        answered = {"prediction": prediction}
    else:
        assert answer.error
        answered = {"error": problem(answer.error)}
    print(json.dumps({"file": file, **answered}), flush=True)


def problem(error: DetectorError) -> dict[str, object]:
    """Return the fields of an error that have a value."""
    fields = {"code": error.code, "status": error.status, "detail": error.detail, "request_id": error.request_id}
    return {name: value for name, value in fields.items() if value is not None}


def printable(file: str) -> str:
    """Return a file name without control characters: a terminal would obey them, and a line break would split a row."""
    return file if file.isprintable() else ascii(file)[1:-1]
