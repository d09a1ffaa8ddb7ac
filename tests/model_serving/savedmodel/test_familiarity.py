"""Familiarity: scores, their distribution, and the place of a photo in it."""

from pathlib import Path

import numpy as np
import tensorflow as tf

from model_serving.photos import read_pixels
from model_serving.savedmodel.card import Familiarity
from model_serving.savedmodel.exported_model import ExportedModel
from model_serving.savedmodel.familiarity import (
    QUANTILES,
    familiarity_score,
    quantile_values,
    score_quantiles,
    share_below,
    shown_classes,
    shown_share,
)


def share(scores: list[float], quantiles: np.ndarray) -> np.ndarray:
    return share_below(tf.constant(scores), tf.constant(quantiles, tf.float32)).numpy()


def test_share_below_is_the_place_among_the_quantiles() -> None:
    """Below all photos it is 0, above all 1, and in between it grows evenly."""
    quantiles = np.linspace(-1, 1, QUANTILES)
    np.testing.assert_allclose(
        share([-9.0, -1.0, -0.5, 0.005, 1.0, 9.0], quantiles), [0, 0, 0.25, 0.5025, 1, 1], atol=1e-6
    )


def test_share_below_of_equal_scores_is_a_number() -> None:
    """A model to which all its photos look alike still gives a share."""
    assert share([-1.0, 0.0, 1.0], np.zeros(QUANTILES)).tolist() == [0, 0, 1]


def test_share_below_without_quantiles_is_one() -> None:
    """A version whose photos were too few to tell calls nothing strange."""
    assert share([-1e6, 0.0, 1e6], quantile_values(Familiarity())).tolist() == [1, 1, 1]


def test_score_quantiles_make_shares_of_the_same_photos_even() -> None:
    """Of the photos that the quantiles come from a twentieth lies below 5 %, and half below 50 %."""
    scores = np.random.default_rng(0).gamma(2, size=2000)
    shares = share(scores.tolist(), np.array(score_quantiles(scores)))
    np.testing.assert_allclose(np.quantile(shares, [0.05, 0.5, 0.95]), [0.05, 0.5, 0.95], atol=0.01)


def test_shown_classes_weigh_what_photos_show() -> None:
    """A class that photos show often counts in full, one that they show at times by how much, the others not at all."""
    probabilities = np.zeros((10, 1000))
    probabilities[:, 281] = 0.5
    probabilities[0, 7] = 0.25
    probabilities[0, 8] = 0.001
    assert shown_classes(probabilities) == {7: 0.5, 281: 1.0}
    shares = shown_share(tf.constant(probabilities, tf.float32), {7: 0.5, 281: 1.0})
    np.testing.assert_allclose(shares, [0.625, *[0.5] * 9])


def test_familiarity_score_falls_with_evidence_and_with_share() -> None:
    """For either head a doubtful answer scores less than a clear one, and so does a photo of something else."""
    clear, doubtful = [8.0, 0.0, 0.0], [1.0, 1.0, 1.0]
    for head in ("trained", "imagenet"):
        scores = familiarity_score(
            tf.constant([clear, doubtful, clear]), 0.5, tf.constant([0.9, 0.9, 0.1]), head
        ).numpy()
        assert scores[0] > scores[1]
        assert scores[0] > scores[2]


def test_starter_finds_dogs_familiar_and_other_things_strange(starter_model: Path, shared_images: Path) -> None:
    """Of photos of dogs most look familiar to the starter, and of photos of other things none."""
    with ExportedModel(starter_model / "1") as model:
        dogs, others = (
            model.ask(np.stack([np.asarray(read_pixels(path.read_bytes(), model.card.geometry)) for path in paths]))[
                "familiarity"
            ]
            for paths in (
                sorted((shared_images / "udacity133").glob("*.jpg"))[:24],
                sorted((shared_images / "not_dogs").glob("*.JPEG"))[:24],
            )
        )
        threshold = model.card.thresholds.familiar
    assert (dogs >= threshold).mean() > 0.75
    assert (others < threshold).mean() > 0.95
