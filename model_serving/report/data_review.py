"""Review of the photos behind a version: likely wrong labels, near duplicates, and what more photos would bring."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from model_serving.data.omissions import FILE_COLUMN
from model_serving.data.spreadsheets import without_formula

HEADERS = (FILE_COLUMN, "label", "likely", "confidence", "confidence_in_label")


@dataclass(frozen=True)
class LabelIssue:
    """A photo labelled `breed` that shows `likely` at `confidence`; its own label has `confidence_in_label`."""

    photo: Path
    breed: str
    likely: str
    confidence: float
    confidence_in_label: float


@dataclass(frozen=True)
class NearDuplicate:
    """Two training photos of one breed that are nearly the same: together they teach little more than one."""

    first: Path
    second: Path
    breed: str


@dataclass(frozen=True)
class SamplePoint:
    """Accuracy, 0..1, of a head on unseen photos after so many training photos a breed, on average."""

    photos_a_breed: float
    accuracy: float


@dataclass(frozen=True)
class BreedGain:
    """Mean confidence in the right breed of unseen photos, 0..1, with half of the training photos and with all."""

    breed: str
    with_half: float
    with_all: float


@dataclass(frozen=True)
class DataReview:
    """Findings on the photos; `curve` goes from few photos to all, `gains` from the breed that gained most."""

    label_issues: list[LabelIssue]
    near_duplicates: list[NearDuplicate]
    curve: list[SamplePoint]
    gains: list[BreedGain]


def find_label_issues(
    probabilities: np.ndarray, labels: np.ndarray, photos: Sequence[Path], breeds: Sequence[str]
) -> list[LabelIssue]:
    """Return the likely wrong labels of N `photos`, the surest first.

    `probabilities` [N, breeds] are by heads that have not seen the photo; `labels` [N] are indices of `breeds`. A photo
    is listed if the breed it is taken for has at least the probability that photos of that breed have on average
    (confident learning, Northcutt et al. 2021).
    """
    numbers = np.arange(len(labels))
    own = probabilities[numbers, labels]
    counts = np.bincount(labels, minlength=len(breeds))
    usual = np.bincount(labels, own, minlength=len(breeds)) / np.maximum(counts, 1)
    likely, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1)
    found = numbers[(likely != labels) & (confidence >= usual[likely])]
    surest_first = found[np.argsort(own[found] - confidence[found], kind="stable")]
    return [
        LabelIssue(photos[n], breeds[labels[n]], breeds[likely[n]], float(confidence[n]), float(own[n]))
        for n in surest_first.tolist()
    ]


def label_issues_csv(issues: Sequence[LabelIssue], name: Callable[[Path], str]) -> str:
    """Return the issues as CSV, which `train --drop` reads once a person has kept the right rows."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(HEADERS)
    for issue in issues:
        words = (name(issue.photo), issue.breed, issue.likely)
        writer.writerow([*map(without_formula, words), f"{issue.confidence:.4f}", f"{issue.confidence_in_label:.4f}"])
    return text.getvalue()
