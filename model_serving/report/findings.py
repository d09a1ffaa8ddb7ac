"""Findings on the answers to the test photos: by breed, by confused pair, by confidence, photo by photo."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from model_serving.metrics import wilson_interval

RELIABILITY_BINS = 10
# A report is read, not searched; `dog-breed score` gives the answer for every photo.
MOST_CONFUSIONS = 12
MOST_MISTAKES = 24
PHOTOS_OF_A_PAIR = 3


@dataclass(frozen=True)
class BreedFinding:
    """One breed: of its `photos` the share `recall` was recognised; of the answers naming it `precision` was right.

    `precision` is None if it was never named.
    """

    breed: str
    photos: int
    recall: float
    recall_interval: tuple[float, float]
    precision: float | None


@dataclass(frozen=True)
class Confusion:
    """Photos of `breed` taken for `taken_for`: how many, some of them, and one that really shows `taken_for`."""

    breed: str
    taken_for: str
    count: int
    photos: list[Path]
    like: Path | None


@dataclass(frozen=True)
class ReliabilityBin:
    """Answers with a confidence from `low` to `high`: their number, mean confidence and accuracy."""

    low: float
    high: float
    photos: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class Mistake:
    """A photo of `breed` answered with `said` at `confidence`; `breed` itself had `confidence_in_breed`."""

    photo: Path
    breed: str
    said: str
    confidence: float
    confidence_in_breed: float


@dataclass(frozen=True)
class Findings:
    """The findings of one split: the worst breeds, the most frequent confusions and the surest mistakes first.

    `confusion_matrix` counts photos by their breed (rows) and the breed they are taken for (columns), in the order of
    the card.
    """

    breeds: list[BreedFinding]
    confusion_matrix: list[list[int]]
    confusions: list[Confusion]
    reliability: list[ReliabilityBin]
    mistakes: list[Mistake]


def analyse_answers(
    probabilities: np.ndarray, labels: np.ndarray, photos: Sequence[Path], breeds: Sequence[str]
) -> Findings:
    """Return the findings of `probabilities` [N, breeds] against the right breeds' indices [N] for N `photos`."""
    said, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1)
    return Findings(
        _by_breed(said, labels, breeds),
        _confusion_matrix(said, labels, len(breeds)),
        _confusions(said, labels, confidence, photos, breeds),
        _reliability(said == labels, confidence),
        _mistakes(probabilities, said, labels, photos, breeds),
    )


def _by_breed(said: np.ndarray, labels: np.ndarray, breeds: Sequence[str]) -> list[BreedFinding]:
    findings = []
    for index in np.unique(labels):
        of_breed, named = labels == index, said == index
        photos, right = int(of_breed.sum()), int((of_breed & named).sum())
        recall, precision = right / photos, right / int(named.sum()) if named.any() else None
        findings.append(BreedFinding(breeds[index], photos, recall, wilson_interval(recall, photos), precision))
    return sorted(findings, key=lambda finding: (finding.recall, finding.breed))


def _confusion_matrix(said: np.ndarray, labels: np.ndarray, breeds: int) -> list[list[int]]:
    matrix: list[list[int]] = np.bincount(labels * breeds + said, minlength=breeds**2).reshape(breeds, breeds).tolist()
    return matrix


def _confusions(
    said: np.ndarray, labels: np.ndarray, confidence: np.ndarray, photos: Sequence[Path], breeds: Sequence[str]
) -> list[Confusion]:
    pairs: dict[tuple[int, int], list[int]] = defaultdict(list)
    for number in np.argsort(-confidence, kind="stable"):
        if said[number] != labels[number]:
            pairs[int(labels[number]), int(said[number])].append(int(number))
    ranked = sorted(pairs.items(), key=lambda pair: (-len(pair[1]), pair[0]))[:MOST_CONFUSIONS]
    surest_right = {int(said[n]): photos[n] for n in np.argsort(confidence, kind="stable") if said[n] == labels[n]}
    return [
        Confusion(
            breeds[label],
            breeds[taken],
            len(numbers),
            [photos[number] for number in numbers[:PHOTOS_OF_A_PAIR]],
            surest_right.get(taken),
        )
        for (label, taken), numbers in ranked
    ]


def _reliability(right: np.ndarray, confidence: np.ndarray) -> list[ReliabilityBin]:
    place = np.minimum((confidence * RELIABILITY_BINS).astype(int), RELIABILITY_BINS - 1)
    return [
        ReliabilityBin(
            index / RELIABILITY_BINS,
            (index + 1) / RELIABILITY_BINS,
            int((place == index).sum()),
            float(confidence[place == index].mean()),
            float(right[place == index].mean()),
        )
        for index in np.unique(place).tolist()
    ]


def _mistakes(
    probabilities: np.ndarray, said: np.ndarray, labels: np.ndarray, photos: Sequence[Path], breeds: Sequence[str]
) -> list[Mistake]:
    mistakes = [
        Mistake(
            photos[number],
            breeds[labels[number]],
            breeds[said[number]],
            float(probabilities[number, said[number]]),
            float(probabilities[number, labels[number]]),
        )
        for number in np.flatnonzero(said != labels).tolist()
    ]
    return sorted(mistakes, key=lambda mistake: -mistake.confidence)[:MOST_MISTAKES]
