"""Metrics of the model's answers, as /metrics shows them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from detector_api.prediction.answer_metrics import MAX_BREEDS, MAX_VERSIONS, OTHER_BREED, AnswerMetrics
from detector_api.prediction.search import FoundDog, PhotoResult
from detector_api.serving.model_card import ModelCard, ModelVersion
from detector_api.serving.serving_client import Answer, Box

URL = "/api/v1/predict_breed"
PREFIXES = ("detector_answer", "detector_feedback", "detector_model_expected")


def read(gateway: Any) -> dict[tuple[str, ...], float]:
    """Return the samples of answers, by name and the values of the labels in order of their names; none of zero."""
    families = text_string_to_metric_families(gateway.get("/metrics").text)
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
        if sample.name.startswith(PREFIXES) and sample.value and not sample.name.endswith(("_created", "_bucket"))
    }


def a_version(version: int, **card: Any) -> ModelVersion:
    """Return a version whose card has the given fields."""
    known = {"input_size": 8, "crop": 1, "breeds": ["Akita"], "detects_dogs": True, "thresholds": {"dog": 0.5}}
    return ModelVersion(version, ModelCard.model_validate(known | card))


def an_answer(version: int, breed: str) -> Answer:
    """Return a sure answer that names a breed."""
    return Answer(version, [breed], [0.9], 0.9, 0.9, None, None)


def test_predict_counts_answer_by_version(gateway: Any, serving: Any, photo: bytes) -> None:
    """Each answer counts once, with its breed, verdict, confidence and dog probability."""
    gateway.post(URL, files={"dog_image": photo})
    assert read(gateway) == {
        ("detector_answers_total", "sure", "3"): 1,
        ("detector_answers_by_breed_total", "Akita", "3"): 1,
        ("detector_answer_confidence_count", "3"): 1,
        ("detector_answer_confidence_sum", "3"): pytest.approx(0.6),
        ("detector_answer_dog_probability_count", "3"): 1,
        ("detector_answer_dog_probability_sum", "3"): 0.75,
    }


def test_predict_counts_stream_as_single_photos(gateway: Any, photo: bytes) -> None:
    """Photos of a stream count like photos that come alone, and those that fail do not count."""
    files = [("dog_image", ("a.jpg", photo)), ("dog_image", ("b.jpg", b"no photo")), ("dog_image", ("c.jpg", photo))]
    gateway.post("/api/v1/predict_breeds", files=files)
    assert read(gateway)["detector_answers_total", "sure", "3"] == 2


def test_predict_tells_verdicts_apart(gateway: Any, serving: Any, photo: bytes) -> None:
    """A version's own thresholds decide; of what is no dog the confidence and the breed say nothing."""
    serving.card["thresholds"] = {"dog": 0.5, "sure": 0.7}
    gateway.post(URL, files={"dog_image": photo})
    serving.dog_probability = 0.25
    gateway.post(URL, files={"dog_image": photo})
    samples = read(gateway)
    assert samples["detector_answers_total", "not_sure", "3"] == 1
    assert samples["detector_answers_total", "no_dog", "3"] == 1
    assert samples["detector_answer_confidence_count", "3"] == 1
    assert samples["detector_answers_by_breed_total", "Akita", "3"] == 1
    assert samples["detector_answer_dog_probability_sum", "3"] == 1.0


def test_predict_states_the_arithmetic_of_the_graph_that_answers(gateway: Any, serving: Any, photo: bytes) -> None:
    """The metrics say by which of a version's graphs it is served; cards of older releases mean the one in fp32."""

    def graphs() -> list[dict[str, str]]:
        families = text_string_to_metric_families(gateway.get("/metrics").text)
        return [one.labels for family in families for one in family.samples if one.name == "detector_model_graph"]

    gateway.post(URL, files={"dog_image": photo})
    assert graphs() == [{"version": "3", "arithmetic": "float32"}]
    serving.version, serving.card["arithmetic"] = 4, "int8"
    gateway.post(URL, files={"dog_image": photo})
    assert {"version": "4", "arithmetic": "int8"} in graphs()
    assert gateway.get("/api/v1/model").json()["card"]["arithmetic"] == "int8"


def test_predict_states_validation_accuracy_of_card(gateway: Any, serving: Any, photo: bytes) -> None:
    """The confidence that a version was validated to have is there to be compared with; without it, nothing is."""
    gateway.post(URL, files={"dog_image": photo})
    assert ("detector_model_expected_confidence", "3") not in read(gateway)
    serving.version, serving.card["training"] = 4, {"valid": {"top1": 0.82}}
    gateway.post(URL, files={"dog_image": photo})
    assert read(gateway)["detector_model_expected_confidence", "4"] == 0.82


def test_send_feedback_counts_agreement(serving: Any, start_gateway: Any, tmp_path: Path, photo: bytes) -> None:
    """Feedback counts by whether the model names the same breed, however it is spelt, and is no further answer."""
    gateway = start_gateway(serving_address=serving.address, feedback_folder=tmp_path)
    for breed in ("akita", "Beagle", "Collie"):
        query = {"breed": breed, "keep": True}
        assert gateway.post("/api/v1/feedback", params=query, files={"dog_image": photo}).status_code == 201
    assert read(gateway) == {("detector_feedback_total", "yes", "3"): 1, ("detector_feedback_total", "no", "3"): 2}


def test_send_feedback_is_kept_if_model_cannot_answer(
    serving: Any, start_gateway: Any, tmp_path: Path, photo: bytes
) -> None:
    """A model that fails costs the statistics one photo, and the person who sent it nothing."""
    gateway = start_gateway(serving_address=serving.address, feedback_folder=tmp_path)
    serving.alter = lambda reply: (reply.outputs.pop("top_breeds", None) and reply) or reply
    reply = gateway.post("/api/v1/feedback", params={"breed": "Akita", "keep": True}, files={"dog_image": photo})
    assert reply.status_code == 201
    assert len(list((tmp_path / "Akita").iterdir())) == 1
    assert read(gateway) == {}


def test_count_answers_bounds_series() -> None:
    """However many breeds and versions answer, the number of series has a bound."""
    registry = CollectorRegistry()
    metrics = AnswerMetrics(registry)
    for version in range(1, MAX_VERSIONS + 1):
        for index in range(MAX_BREEDS + 3):
            metrics.count_answer(PhotoResult(an_answer(version, f"breed {index}"), a_version(version)))
    counted = {"version": "1", "breed": OTHER_BREED}
    assert registry.get_sample_value("detector_answers_by_breed_total", counted) == 3
    metrics.count_answer(PhotoResult(an_answer(99, "Akita"), a_version(99)))
    (breeds,) = (family for family in registry.collect() if family.name == "detector_answers_by_breed")
    assert [one.labels["version"] for one in breeds.samples if one.name.endswith("_total")] == ["99"]


def test_count_answer_of_model_that_detects_no_dogs_has_no_dog_figures() -> None:
    """A model that cannot tell dogs from other things has breeds and confidences alone."""
    registry = CollectorRegistry()
    metrics = AnswerMetrics(registry)
    metrics.count_answer(PhotoResult(an_answer(1, "Akita"), a_version(1, detects_dogs=False)))
    assert registry.get_sample_value("detector_answers_total", {"version": "1", "verdict": "sure"}) == 1
    assert registry.get_sample_value("detector_answer_dog_probability_count", {"version": "1"}) is None


def test_count_answer_with_several_dogs_counts_each_breed() -> None:
    """Of a photo that was searched for all dogs each breed counts, and the photo itself counts once."""
    registry = CollectorRegistry()
    metrics = AnswerMetrics(registry)
    dogs = tuple(FoundDog(Box(0, 0, 1, 1), an_answer(1, breed)) for breed in ("Akita", "Beagle", "Akita"))
    metrics.count_answer(PhotoResult(dogs[0].answer, a_version(1), dogs=dogs))
    breeds = {"Akita": 2, "Beagle": 1}
    for breed, count in breeds.items():
        labels = {"version": "1", "breed": breed}
        assert registry.get_sample_value("detector_answers_by_breed_total", labels) == count
    assert registry.get_sample_value("detector_answers_total", {"version": "1", "verdict": "sure"}) == 1
    assert registry.get_sample_value("detector_answer_confidence_count", {"version": "1"}) == 1
