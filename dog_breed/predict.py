"""`dog-breed predict`: asks a gateway about photos and folders, and prints a line for each photo."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from detector_api.client.answers import PhotoAnswer
from detector_api.client.detector import Detector, Find, Photo
from detector_api.client.errors import DetectorError
from dog_breed.errors import PredictionError
from dog_breed.printing import print_json, print_table, printable
from model_serving.data.files import photos_below

STDIN = "-"


def predict(
    paths: Sequence[str], url: str, api_key: str | None, top_k: int | None, find: Find | None, as_json: bool
) -> None:
    """Print the gateway's answer for each photo, in their order; a folder stands for the photos below it.

    Errors of single photos go to stderr. Raises `PredictionError` if there was one, if there are no photos, or if the
    gateway at `url` does not answer.
    """
    files = list(_expand(paths))
    if not files:
        raise PredictionError("These paths hold no photos. Name files, or folders with photos in them.")
    failed = 0
    try:
        with Detector(url, api_key) as detector:
            print_answer = print_json if as_json else print_table(files, detector.model().card)
            photos: Iterator[Photo] = (sys.stdin.buffer.read() if file == STDIN else file for file in files)
            for answer in _in_order(detector.predict_many(photos, top_k, find=find)):
                print_answer(files[answer.index], answer)
                if answer.error:
                    failed += 1
                    print(f"dog-breed: {printable(files[answer.index])}: {answer.error}", file=sys.stderr)
    except DetectorError as error:
        hint = " Start one with `make run`, or name another with --url." if error.code == "unreachable" else ""
        raise PredictionError(f"{error}{hint}") from error
    if failed:
        raise PredictionError(f"{failed} of {len(files)} photos got no answer.")


def _expand(paths: Iterable[str]) -> Iterator[str]:
    for path in paths:
        if path != STDIN and Path(path).is_dir():
            for photo in photos_below(Path(path)):
                if photo.is_file() or not photo.exists():
                    yield str(photo)
                else:
                    print(f"dog-breed: {printable(str(photo))}: left out, as it is no file", file=sys.stderr)
        else:
            yield path


def _in_order(answers: Iterable[PhotoAnswer]) -> Iterator[PhotoAnswer]:
    """Yield answers by their index, each as soon as all before it are there."""
    waiting: dict[int, PhotoAnswer] = {}
    following = 0
    for answer in answers:
        waiting[answer.index] = answer
        while following in waiting:
            yield waiting.pop(following)
            following += 1
