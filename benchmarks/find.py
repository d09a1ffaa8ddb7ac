"""Finding of dogs on composed photos: breeds named, pairs found, false dogs, and what the search costs.

    .venv/bin/python -m benchmarks.find DOGS OTHERS [--also FOLDER] [--part odd] [--count 100]

DOGS has photos in class folders; OTHERS has photos without dogs. Photos of dogs are pasted with soft edges, one or two
to a photo of OTHERS of 960 pixels' height, at random places by a seed; `exact` are the answers to the pasted squares
themselves. Photos without dogs are those of OTHERS, and of `--also`, as they are. `--part` takes every second photo, so
that what was tuned on one part is judged on the other. The version is the starter, or `--version`. CPU times are of all
threads and decoding processes, and of decoding too (Linux).
"""

from __future__ import annotations

import argparse
import io
import os
import resource
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

from benchmarks.processes import cpu_seconds
from model_serving.backbones import load_backbone
from model_serving.data.batches import decode_with_whole
from model_serving.data.files import photos_below, read_file
from model_serving.photos.errors import PhotoError
from model_serving.photos.found import WHOLE_SIDE, Find
from model_serving.photos.geometry import Box
from model_serving.photos.labels import class_meant
from model_serving.photos.pool import DecodedPhoto, shared_pool
from model_serving.savedmodel.export import export_imagenet_head
from model_serving.scoring.predictors import LocalPredictor, Score
from model_serving.scoring.search import needs_search, read_parts, score_searched

HEIGHT = 960
FRACTIONS = (0.6, 0.4, 0.25)
PAIR_FRACTIONS = (0.5, 0.4, 0.3)
# The soft edge of a pasted photo, as a share of its height.
EDGE = 0.05
PARTS = {"all": slice(None), "even": slice(0, None, 2), "odd": slice(1, None, 2)}


@dataclass(frozen=True)
class Dog:
    """A photo of a dog, and its breed."""

    path: Path
    breed: str


class Finder:
    """An exported version that is asked as `score` asks it."""

    def __init__(self, predictor: LocalPredictor) -> None:
        self._predictor = predictor

    def decode(self, photo: bytes) -> DecodedPhoto:
        """Return a photo decoded for the model, with the whole; raises its error."""
        decoded = decode_with_whole(photo, self._predictor.card.geometry, WHOLE_SIDE)
        if isinstance(decoded, PhotoError):
            raise decoded
        return decoded

    def centre(self, photo: DecodedPhoto) -> Score:
        """Return the answer for the central square."""
        return self._search(photo, "no")

    def better(self, photo: DecodedPhoto) -> Score:
        """Return the answer for the central square or a better part."""
        return self._search(photo, "auto")

    def all(self, photo: DecodedPhoto) -> Sequence[Score]:
        """Return the answers for all dogs that are found."""
        return self._search(photo, "all").dogs or ()

    def exact(self, photo: DecodedPhoto, boxes: Sequence[Box]) -> list[Score]:
        """Return the answers for parts that are known."""
        assert photo.whole
        return read_parts(self._predictor, shared_pool().finish(photo.whole), boxes)

    def is_searched(self, centre: Score) -> bool:
        """Tell whether a photo with this answer for its centre is searched by default."""
        return needs_search(self._predictor, centre)

    def _search(self, photo: DecodedPhoto, find: Find) -> Score:
        ((_, score),) = score_searched(self._predictor, [(Path(), photo)], find)
        assert not isinstance(score, Exception)
        return score


def compose(
    background: Path, dogs: Sequence[Dog], fraction: float, random: np.random.Generator
) -> tuple[bytes, list[Box]]:
    """Return the background with one dog anywhere or two side by side, each `fraction` of its height, and where."""
    photo = _open(background)
    photo = photo.resize((round(photo.width * HEIGHT / photo.height), HEIGHT), Image.Resampling.BICUBIC)
    lane, boxes = photo.width / len(dogs), []
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
        boxes.append(Box(left / photo.width, top / HEIGHT, pasted.width / photo.width, pasted.height / HEIGHT))
    file = io.BytesIO()
    photo.save(file, "BMP")
    return file.getvalue(), boxes


def _open(path: Path) -> Image.Image:
    return Image.open(path).convert("RGB")


def measure(
    finder: Finder, dogs: list[Dog], backgrounds: list[Path], others: list[Path], count: int, seed: int
) -> Iterator[str]:
    """Yield the figures, a line each."""
    yield from natural(finder, dogs)
    random = np.random.default_rng(seed)
    dogs = [dogs[index] for index in random.permutation(len(dogs))]
    for fraction in FRACTIONS:
        right: Counter[str] = Counter()
        for number in range(count):
            dog = dogs[number % len(dogs)]
            background = backgrounds[random.integers(len(backgrounds))]
            encoded, boxes = compose(background, [dog], fraction, random)
            photo = finder.decode(encoded)
            answers = {"centre": finder.centre(photo), "found": finder.better(photo)}
            answers["exact"] = finder.exact(photo, boxes)[0]
            right.update(way for way, answer in answers.items() if _breed(answer) == dog.breed)
        shares = ", ".join(f"{right[way] / count:.3f} {way}" for way in ("centre", "found", "exact"))
        yield f"one dog at {fraction:.0%} of the height: top-1 {shares}"
    named: Counter[str] = Counter()
    for number in range(count):
        pair = [dogs[(2 * number + other) % len(dogs)] for other in range(2)]
        background = backgrounds[random.integers(len(backgrounds))]
        encoded, boxes = compose(background, pair, PAIR_FRACTIONS[number % len(PAIR_FRACTIONS)], random)
        photo = finder.decode(encoded)
        breeds = Counter(dog.breed for dog in pair)
        for way, found in {"found": finder.all(photo), "exact": finder.exact(photo, boxes)}.items():
            named[way] += Counter(map(_breed, found)) >= breeds
    yield f"two dogs: both named {named['found'] / count:.3f} found, {named['exact'] / count:.3f} exact"
    photos = [finder.decode(read_file(path)) for path in others]
    before = sum(bool(finder.centre(photo).is_dog) for photo in photos)
    after = sum(bool(finder.better(photo).is_dog) for photo in photos)
    yield f"no dog, {len(others)} photos: called dogs {before} centre, {after} found"


def natural(finder: Finder, dogs: list[Dog]) -> Iterator[str]:
    """Yield the figures of photos as they are: breeds named, photos searched, and the cost, without and with search."""
    total, right, cost, memory = len(dogs), [0, 0], [0.0, 0.0], [0, 0]
    searched: list[Dog] = []
    finder.centre(finder.decode(read_file(dogs[0].path)))  # what is done once
    for way, ask in enumerate((finder.centre, finder.better)):
        start = cpu_seconds(os.getpid())
        for dog in dogs:
            answer = ask(finder.decode(read_file(dog.path)))
            right[way] += _breed(answer) == dog.breed
            if way == 0 and finder.is_searched(answer):
                searched.append(dog)
        cost[way] = (cpu_seconds(os.getpid()) - start) / total
        memory[way] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    yield f"natural, {total} photos: top-1 {right[0] / total:.3f} centre, {right[1] / total:.3f} found"
    share = len(searched) / total
    of_searched = (cost[1] - cost[0]) / share + cost[0] if share else 0
    yield (
        f"searched: {share:.1%} of them; CPU time against the centre alone: {of_searched / cost[0]:.1f} of a photo "
        f"that is searched, {cost[1] / cost[0]:.2f} of all; peak of memory: {memory[0]} MB, {memory[1]} MB with search"
    )


def _breed(score: Score) -> str:
    return score.predictions[0][0]


def main() -> None:
    """Print the figures of the starter, or of a version, on composed and natural photos."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dogs", type=Path)
    parser.add_argument("others", type=Path)
    parser.add_argument("--also", type=Path, help="more photos without dogs, which are no backgrounds")
    parser.add_argument("--part", choices=PARTS, default="all")
    parser.add_argument("--count", type=int, default=100, help="composed photos of each kind (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--version", type=Path, help="folder of an exported version (default: the starter)")
    options = parser.parse_args()

    part = PARTS[options.part]
    with tempfile.TemporaryDirectory() as folder:
        version = options.version or export_imagenet_head(Path(folder), load_backbone("efficientnet_lite2"))
        predictor = LocalPredictor(version)
        named = [(path, class_meant(path.parent.name, predictor.card.breeds)) for path in photos_below(options.dogs)]
        dogs = [Dog(path, breed) for path, breed in named if breed][part]
        backgrounds = photos_below(options.others)[part]
        others = backgrounds + (photos_below(options.also)[part] if options.also else [])
        for line in measure(Finder(predictor), dogs, backgrounds, others, options.count, options.seed):
            print(line, flush=True)
        predictor.close()


if __name__ == "__main__":
    main()
