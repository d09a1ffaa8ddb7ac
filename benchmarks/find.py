"""Finding of dogs on composed photos: breeds named, pairs found, and false dogs, with the search and without.

    .venv/bin/python -m benchmarks.find DOGS OTHERS [--part odd] [--count 100]

DOGS has photos in class folders; OTHERS has photos without dogs, backgrounds among them. Photos of dogs are pasted
with soft edges, one or two to a background of 960 pixels' height, at random places by a seed. `--part` takes every
second photo, so that what was tuned on one part is judged on the other. The version is the starter, or `--version`.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageFilter

from model_serving.data.files import photos_below
from model_serving.photos.found import (
    BOXES_ASKED,
    LOCATE_LONG_SIDE,
    Reading,
    better_box,
    dogs_among,
    needs_search,
)
from model_serving.photos.labels import class_meant

if TYPE_CHECKING:
    from model_serving.savedmodel.exported_model import ExportedModel

HEIGHT = 960
FRACTIONS = (0.6, 0.4, 0.25)
PAIR_FRACTIONS = (0.5, 0.4, 0.3)
# The soft edge of a pasted photo, as a share of its height.
EDGE = 0.05
PARTS = {"all": slice(None), "even": slice(0, None, 2), "odd": slice(1, None, 2)}
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Dog:
    """A photo of a dog, and its breed."""

    path: Path
    breed: str


class Search:
    """An exported version, asked for a photo's centre and for the dogs that its signature `locate` finds."""

    def __init__(self, model: ExportedModel) -> None:
        self.model, self.seconds, self.searched, self.answered = model, 0.0, 0, 0

    def centre(self, photo: Image.Image) -> Reading:
        """Return the answer to the central square."""
        left, top, right, bottom = self.model.card.geometry.box(*photo.size)
        return self._read(photo, [(left, top, right, bottom)])[0]

    def boxes(self, photo: Image.Image, most: int) -> list[Reading]:
        """Return the answers to the boxes that `locate` finds, cut from the whole photo."""
        whole = photo.copy()
        whole.thumbnail((LOCATE_LONG_SIDE, LOCATE_LONG_SIDE), Image.Resampling.BICUBIC)
        found = self.model.ask(np.asarray(whole)[np.newaxis], "locate")
        sides = np.array([photo.height, photo.width] * 2)
        boxes = [box * sides for box, score in zip(found["boxes"][0], found["box_scores"][0], strict=True) if score]
        return self._read(photo, [(left, top, right, bottom) for top, left, bottom, right in boxes[:most]])

    def automatic(self, photo: Image.Image) -> tuple[str, bool]:
        """Return the breed and whether it is a dog, of the centre or of a better box."""
        started, thresholds = time.process_time(), self.model.card.thresholds
        answer = self.centre(photo)
        is_dog = answer.dog_probability >= thresholds.dog
        self.answered += 1
        if needs_search(answer, thresholds.dog, thresholds.sure):
            self.searched += 1
            boxes = self.boxes(photo, BOXES_ASKED)
            if (better := better_box(answer, boxes, thresholds.dog, thresholds.found)) is not None:
                answer, is_dog = boxes[better], True
        self.seconds += time.process_time() - started
        return answer.breed, is_dog

    def all_breeds(self, photo: Image.Image) -> list[str]:
        """Return the breeds of all dogs that are found."""
        boxes = self.boxes(photo, 8)
        return [boxes[index].breed for index in dogs_among(boxes, self.model.card.thresholds.found)]

    def _read(self, photo: Image.Image, boxes: Sequence[Box]) -> list[Reading]:
        if not boxes:
            return []
        size = (self.model.card.input_size,) * 2
        cuts = [np.asarray(photo.resize(size, Image.Resampling.BICUBIC, box=box)) for box in boxes]
        answer = self.model.ask(np.stack(cuts))
        return [
            Reading(top[0].decode(), float(probabilities[0]), float(dog))
            for top, probabilities, dog in zip(
                answer["top_breeds"], answer["top_probabilities"], answer["dog_probability"], strict=True
            )
        ]


def compose(background: Path, dogs: Sequence[Dog], fraction: float, random: np.random.Generator) -> Image.Image:
    """Return the background with one dog anywhere or two side by side, each `fraction` of its height."""
    photo = _open(background)
    photo = photo.resize((round(photo.width * HEIGHT / photo.height), HEIGHT), Image.Resampling.BICUBIC)
    lane = photo.width / len(dogs)
    for number, dog in enumerate(dogs):
        pasted = _open(dog.path)
        scale = min(HEIGHT * fraction / pasted.height, lane / pasted.width)
        pasted = pasted.resize((round(pasted.width * scale), round(pasted.height * scale)), Image.Resampling.BICUBIC)
        edge = max(1, round(pasted.height * EDGE))
        mask = Image.new("L", pasted.size, 0)
        mask.paste(255, (edge, edge, pasted.width - edge, pasted.height - edge))
        left = round(number * lane + random.random() * (lane - pasted.width))
        top = round(random.random() * (HEIGHT - pasted.height))
        photo.paste(pasted, (left, top), mask.filter(ImageFilter.GaussianBlur(edge / 2)))
    return photo


def _open(path: Path) -> Image.Image:
    return Image.open(path).convert("RGB")


def measure(model: ExportedModel, dogs: list[Dog], others: list[Path], count: int, seed: int) -> Iterator[str]:
    """Yield the figures, a line each."""
    search, random = Search(model), np.random.default_rng(seed)
    dogs = [dogs[index] for index in random.permutation(len(dogs))]
    for fraction in FRACTIONS:
        before = after = 0
        for number in range(count):
            dog = dogs[number % len(dogs)]
            photo = compose(others[random.integers(len(others))], [dog], fraction, random)
            before += search.centre(photo).breed == dog.breed
            after += search.automatic(photo)[0] == dog.breed
        yield f"one dog at {fraction:.0%} of the height: top-1 {before / count:.3f} centre, {after / count:.3f} found"
    named = 0
    for number in range(count):
        pair = [dogs[(2 * number + other) % len(dogs)] for other in range(2)]
        fraction = PAIR_FRACTIONS[number % len(PAIR_FRACTIONS)]
        photo = compose(others[random.integers(len(others))], pair, fraction, random)
        breeds = search.all_breeds(photo)
        named += Counter(breeds) >= Counter(dog.breed for dog in pair)
    yield f"two dogs: both found and named {named / count:.3f}"
    threshold = model.card.thresholds.dog
    before = sum(search.centre(_open(path)).dog_probability >= threshold for path in others)
    after = sum(search.automatic(_open(path))[1] for path in others)
    yield f"no dog, {len(others)} photos: {before} called dogs by the centre, {after} found"
    search.seconds = search.searched = search.answered = before = after = 0
    natural, started = dogs[: 2 * count], time.process_time()
    for dog in natural:
        before += search.centre(_open(dog.path)).breed == dog.breed
    centre_seconds = time.process_time() - started
    for dog in natural:
        after += search.automatic(_open(dog.path))[0] == dog.breed
    total = len(natural)
    yield f"natural, {total} photos: top-1 {before / total:.3f} centre, {after / total:.3f} found"
    yield (
        f"{search.searched} of {total} natural photos were searched; CPU seconds a photo: "
        f"{centre_seconds / total:.3f} centre, {search.seconds / total:.3f} with the search"
    )


def main() -> None:
    """Print the figures of the starter, or of a version, on composed and natural photos."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dogs", type=Path)
    parser.add_argument("others", type=Path)
    parser.add_argument("--part", choices=PARTS, default="all")
    parser.add_argument("--count", type=int, default=100, help="composed photos of each kind (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--version", type=Path, help="folder of an exported version (default: the starter)")
    options = parser.parse_args()

    from model_serving.backbones import load_backbone
    from model_serving.savedmodel.export import export_imagenet_head
    from model_serving.savedmodel.exported_model import ExportedModel

    part = PARTS[options.part]
    with tempfile.TemporaryDirectory() as folder:
        version = options.version or export_imagenet_head(Path(folder), load_backbone("efficientnet_lite2"))
        with ExportedModel(version) as model:
            named = [(path, class_meant(path.parent.name, model.card.breeds)) for path in photos_below(options.dogs)]
            dogs = [Dog(path, breed) for path, breed in named if breed][part]
            for line in measure(model, dogs, photos_below(options.others)[part], options.count, options.seed):
                print(line, flush=True)


if __name__ == "__main__":
    main()
