"""Metrics of the model's answers, by its version: how sure it is, what it names, and whether people agree.

They hold no photo and nothing of who sent it: counts of breeds, of verdicts, and of probabilities in ten steps.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from detector_api.prediction.search import PhotoResult
from detector_api.serving.model_card import ModelCard, ModelVersion
from detector_api.serving.serving_client import Answer
from model_serving.photos.labels import label_key

# Probabilities in tenths; the last bucket is Prometheus's own.
TENTHS = tuple(step / 10 for step in range(1, 10))
# Versions and breeds that have series of their own. One version more, and all begin anew, as after a restart; further
# breeds share a series.
MAX_VERSIONS = 4
MAX_BREEDS = 500
OTHER_BREED = "other"

Verdict = Literal["sure", "not_sure", "no_dog"]


class AnswerMetrics:
    """Counters and histograms of one app's answers."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._verdicts = Counter(
            "detector_answers", "Photos answered: sure, not sure, or no dog.", ["version", "verdict"], registry=registry
        )
        self._breeds = Counter(
            "detector_answers_by_breed", "Dogs, by the likeliest breed.", ["version", "breed"], registry=registry
        )
        self._confidence = Histogram(
            "detector_answer_confidence",
            "Probability of the likeliest breed, of dogs.",
            ["version"],
            buckets=TENTHS,
            registry=registry,
        )
        self._dog_probability = Histogram(
            "detector_answer_dog_probability",
            "Probability that there is a dog.",
            ["version"],
            buckets=TENTHS,
            registry=registry,
        )
        self._expected_confidence = Gauge(
            "detector_model_expected_confidence",
            "Share of its validation photos that the version named right: the mean confidence of a calibrated model.",
            ["version"],
            registry=registry,
        )
        self._graph = Gauge(
            "detector_model_graph",
            "1 for the arithmetic of the graph that answers.",
            ["version", "arithmetic"],
            registry=registry,
        )
        self._feedback = Counter(
            "detector_feedback",
            "Photos kept with their right breed, by whether the version names the same.",
            ["version", "agreed"],
            registry=registry,
        )
        self._labelled_breeds: dict[int, set[str]] = {}

    def count_answer(self, result: PhotoResult) -> None:
        """Count one answered photo, by its best part; of several dogs, the others as further breeds."""
        answer, model = result.answer, result.model
        self._admit(model)
        version = model.version
        is_dog = not model.card.detects_dogs or answer.dog_probability >= model.card.thresholds.dog
        if model.card.detects_dogs:
            self._dog_probability.labels(version).observe(answer.dog_probability)
        self._verdicts.labels(version, _verdict(answer, model.card, is_dog)).inc()
        if is_dog:
            self._confidence.labels(version).observe(answer.probabilities[0])
            for dog in [part.answer for part in result.dogs or ()] or [answer]:
                self._breeds.labels(version, self._breed_label(version, dog.breeds[0])).inc()

    def count_feedback(self, breed: str, result: PhotoResult) -> None:
        """Count one photo whose right breed somebody told, and the model's own answer for it."""
        answer, model = result.answer, result.model
        self._admit(model)
        agreed = label_key(answer.breeds[0]) == label_key(breed)
        self._feedback.labels(model.version, "yes" if agreed else "no").inc()

    def _admit(self, model: ModelVersion) -> None:
        """Give a version that is new here its series, and drop all others if they have become too many."""
        if model.version in self._labelled_breeds:
            return
        if len(self._labelled_breeds) == MAX_VERSIONS:
            self._labelled_breeds.clear()
            for metric in (self._verdicts, self._breeds, self._confidence, self._dog_probability, self._feedback):
                metric.clear()
            self._expected_confidence.clear()
            self._graph.clear()
        self._labelled_breeds[model.version] = set()
        self._graph.labels(model.version, model.card.arithmetic).set(1)
        accuracy = _validation_accuracy(model.card)
        if accuracy is not None:
            self._expected_confidence.labels(model.version).set(accuracy)

    def _breed_label(self, version: int, breed: str) -> str:
        labelled = self._labelled_breeds[version]
        if breed not in labelled and len(labelled) == MAX_BREEDS:
            return OTHER_BREED
        labelled.add(breed)
        return breed


def _verdict(answer: Answer, card: ModelCard, is_dog: bool) -> Verdict:
    if not is_dog:
        return "no_dog"
    return "sure" if answer.probabilities[0] >= card.thresholds.sure else "not_sure"


def _validation_accuracy(card: ModelCard) -> float | None:
    """Return the share of the validation photos that the version names right; None if its card does not say."""
    with suppress(KeyError, TypeError, ValueError):
        return float((card.model_extra or {})["training"]["valid"]["top1"])
    return None
