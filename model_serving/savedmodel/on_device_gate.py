"""Gate of a version's file for browsers and phones: it is there only if its answers are nearly those of the graph."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import tensorflow as tf
from PIL import Image
from tensorflow.lite.python.convert_phase import ConverterError

from model_serving.data.batches import decoded_batches
from model_serving.errors import DatasetError, ReleaseError, StorageError
from model_serving.photos import Geometry
from model_serving.progress import progress
from model_serving.savedmodel.card import CARD_FILE, ON_DEVICE_FILE, ModelCard
from model_serving.savedmodel.comparison import FEWEST_PHOTOS, NEAR, Comparison, compare, reasons
from model_serving.savedmodel.on_device import (
    PROBABILITIES,
    OnDeviceModel,
    SinglePhotoGraph,
    as_input,
    convert,
    read_single,
)
from model_serving.savedmodel.onnx_file import OnnxModel, convert_to_onnx

# So many photos, spread over those given, are asked both ways.
MOST_PHOTOS = 200
# Where there are no photos, or too few: pictures of coloured spots, from a few large ones to many small ones.
DRAWN = "drawn pictures"
_PICTURES = 8
_SPOTS = (3, 6, 12, 24, 48)


@dataclass(frozen=True)
class JudgingPhotos:
    """Photos to compare answers on, where they are from, and the indices of their right breeds, [N], if known."""

    paths: Sequence[Path]
    source: str
    labels: np.ndarray | None = None


class Asked(Protocol):
    """A form of a model that answers one photo."""

    def ask(self, photo: np.ndarray) -> dict[str, np.ndarray]:
        """Return the outputs for one photo, pixels uint8 [size, size, 3], by name."""
        ...


@dataclass(frozen=True)
class Format:
    """A kind of file: how it is written, and how it is opened to be asked."""

    convert: Callable[[SinglePhotoGraph], bytes]
    open: Callable[[bytes], Asked]


LITERT = Format(convert, OnDeviceModel)
FORMATS = {"litert": LITERT, "onnx": Format(convert_to_onnx, OnnxModel)}


def add_on_device(version: Path, card: ModelCard, photos: JudgingPhotos | None = None) -> dict[str, Any]:
    """Write the file into the folder `version` if it passes the gate, and return what the card is to say of it.

    The gate compares answers to `photos`, which the head has not learned from, and to drawn pictures where there are
    fewer than `FEWEST_PHOTOS`. Without a pass there is no file in the folder.
    """
    content, judged = _judge(version, card, photos, LITERT)
    if content is None:
        return judged
    (version / ON_DEVICE_FILE).write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    return judged | {"file": ON_DEVICE_FILE, "bytes": len(content), "sha256": digest, "input": card.input_size}


def write_device_file(
    version: Path, file: Path, photos: JudgingPhotos | None = None, form: Format = LITERT
) -> dict[str, Any]:
    """Write the version in the folder `version` as the new file `file`, if that passes the gate; return its figures.

    Raises `ReleaseError` if it does not, or if there is something at `file` already, and `StorageError`.
    """
    if file.exists():
        raise ReleaseError(f"{str(file)!r} exists already. Name another file, or remove it.")
    card = ModelCard.from_json((version / CARD_FILE).read_text(encoding="utf-8"))
    content, judged = _judge(version, card, photos, form)
    if content is None:
        raise ReleaseError(f"Version {version.name} has no such file that answers as it does: {judged['why_not']}.")
    try:
        file.write_bytes(content)
    except OSError as error:
        file.unlink(missing_ok=True)
        raise StorageError(f"{str(file)!r} cannot be written: {error.strerror}.") from error
    return judged


def _judge(
    version: Path, card: ModelCard, photos: JudgingPhotos | None, form: Format
) -> tuple[bytes | None, dict[str, Any]]:
    """Return the file if it passes, and what is to be said of that."""
    enough = photos if photos and len(photos.paths) >= FEWEST_PHOTOS else None
    single = read_single(version, card)
    try:
        content = form.convert(single)
    except ConverterError:
        return None, {"kept": False, "why_not": "it needs operations that LiteRT has not"}
    comparison = compare_on_device(single, form.open(content), card.geometry, enough)
    why_not = "; ".join(reasons(comparison, NEAR))
    judged_on = enough.source if enough else DRAWN
    judged = {"kept": not why_not, "why_not": why_not, "judged_on": judged_on} | comparison.figures()
    return None if why_not else content, judged


def compare_on_device(
    single: SinglePhotoGraph, on_device: Asked, geometry: Geometry, photos: JudgingPhotos | None
) -> Comparison:
    """Return how the file's answers compare with those of the graph in fp32, to photos or to drawn pictures.

    Raises `DatasetError` if no photo can be read.
    """
    float32: list[np.ndarray] = []
    other: list[np.ndarray] = []
    labels: list[int] = []
    with tf.compat.v1.Session(graph=single.graph) as session:
        for label, photo in _read(photos, geometry) if photos else _drawn(geometry.size):
            answer = session.run(single.outputs[PROBABILITIES], {single.photo: as_input(photo)})
            float32.append(answer[0])
            other.append(on_device.ask(photo)[PROBABILITIES][0])
            labels += [] if label is None else [label]
    if not float32:
        raise DatasetError("None of these photos can be read.")
    return compare(np.stack(float32), np.stack(other), np.array(labels) if labels else None)


def _read(photos: JudgingPhotos, geometry: Geometry) -> Iterator[tuple[int | None, np.ndarray]]:
    """Yield label and pixels [size, size, 3] of the photos that can be read."""
    chosen = np.linspace(0, len(photos.paths) - 1, min(len(photos.paths), MOST_PHOTOS)).astype(int)
    labels = None if photos.labels is None else {photos.paths[place]: int(photos.labels[place]) for place in chosen}
    with progress(len(chosen), "on device", "photo") as bar:
        for decoded in decoded_batches([photos.paths[place] for place in chosen], geometry):
            for path, pixels in decoded:
                if isinstance(pixels, np.ndarray):
                    yield labels[path] if labels else None, pixels
            bar.update(len(decoded))


def _drawn(size: int) -> Iterator[tuple[None, np.ndarray]]:
    for picture in drawn_pictures(size):
        yield None, picture


def drawn_pictures(size: int) -> np.ndarray:
    """Return pictures uint8 [N, size, size, 3] that are the same on each machine: spots of all sizes and colours."""
    numbers = np.random.default_rng(0)
    pictures = np.zeros((_PICTURES, size, size, 3), np.float32)
    for picture in pictures:
        for spots in _SPOTS:
            colours = Image.fromarray(numbers.integers(0, 256, (spots, spots, 3), np.uint8))
            picture += np.asarray(colours.resize((size, size), Image.Resampling.BICUBIC)) / len(_SPOTS)
    return pictures.astype(np.uint8)
