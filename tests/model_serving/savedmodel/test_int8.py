"""The graph in int8 of an exported version, and the gate that it must pass."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image
from tensorflow.core.protobuf import saved_model_pb2

from dog_breed.command import main
from local_server.inference.predict import predict
from local_server.inference.saved_model import SavedModelServable, SessionSettings, has_meta_graph
from local_server.lifecycle.warmup import warm_up
from model_serving.backbones import RANDOM, Backbone, Classifier, load_backbone
from model_serving.backbones.int8 import int8_record, measured_record, weights_digest
from model_serving.graph_rewrites.int8 import kernels
from model_serving.photos import Geometry, read_pixels
from model_serving.savedmodel.card import CARD_FILE, ModelCard
from model_serving.savedmodel.comparison import NEAR, Comparison
from model_serving.savedmodel.export import export_imagenet_head, export_model, imagenet_head
from model_serving.savedmodel.exported_model import ExportedModel
from model_serving.savedmodel.imagenet_calibrations import accuracy_on_record
from model_serving.savedmodel.int8_gate import IMAGENET_LIMITS, gate, gated
from model_serving.savedmodel.legacy import write_legacy
from model_serving.savedmodel.locate import LEAST_BEST_SCORE
from model_serving.savedmodel.recalibration import write_recalibrated
from model_serving.savedmodel.tags import FLOAT32_TAGS, INT8_TAGS, SETTING

PASSING = Comparison(photos=500, top1_float32=0.85, top1=0.848, agreement=0.99, change=0.01)


@pytest.fixture(scope="module")
def version(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a starter as the command exports it by default: with both graphs."""
    model = tmp_path_factory.mktemp("models")
    main(["export", "--model", str(model)])
    return model / "1"


@pytest.fixture(scope="module")
def both(version: Path) -> Iterator[dict[tuple[str, ...], SavedModelServable]]:
    """Return the version's two graphs, loaded."""
    loaded = {tags: SavedModelServable.load(version, SessionSettings(tags)) for tags in (FLOAT32_TAGS, INT8_TAGS)}
    yield loaded
    for servable in loaded.values():
        servable.close()


@pytest.fixture(scope="module")
def pixels(shared_images: Path, version: Path) -> np.ndarray:
    """Return real photos of dogs at the model's size."""
    geometry = read_card(version).geometry
    photos = sorted((shared_images / "dogs").glob("*.jpg"))
    return np.stack([np.asarray(read_pixels(photo.read_bytes(), geometry)) for photo in photos])


def read_card(version: Path) -> ModelCard:
    """Return the card beside a version."""
    return ModelCard.from_json((version / CARD_FILE).read_text(encoding="utf-8"))


def test_export_in_int8_keeps_the_contract(both: dict, version: Path) -> None:
    """The same signatures, inputs and outputs, which the same warm-up runs, and the card says which graph answers."""
    names = [
        {name: (set(one.inputs), set(one.outputs)) for name, one in servable.signatures.items()}
        for servable in both.values()
    ]
    assert names[0] == names[1]
    assert warm_up(both[INT8_TAGS], version) == len(names[0])
    cards = [predict(servable, "describe", {})["model_card"][0] for servable in both.values()]
    float32, int8 = (ModelCard.from_json(card) for card in cards)
    assert (float32.arithmetic, int8.arithmetic) == ("float32", "int8")
    assert replace(int8, arithmetic="float32") == float32 == read_card(version)
    assert float32.int8["kept"]
    assert float32.int8["speedup"] > 4 / 3


def test_export_in_int8_answers_nearly_as_in_fp32(both: dict, pixels: np.ndarray) -> None:
    """On real photos the same first breed, nearly the same probability, and dogs in the same places."""
    float32, int8 = (predict(both[tags], "explain", {"pixels": pixels}) for tags in (FLOAT32_TAGS, INT8_TAGS))
    assert float32["top_breeds"][:, 0].tolist() == int8["top_breeds"][:, 0].tolist()
    assert np.abs(float32["top_probabilities"][:, 0] - int8["top_probabilities"][:, 0]).mean() < 0.05
    assert np.abs(float32["dog_probability"] - int8["dog_probability"]).max() < 0.05
    assert np.abs(float32["heatmap"] - int8["heatmap"]).mean() < 0.05
    float32, int8 = (predict(both[tags], "locate", {"pixels": pixels}) for tags in (FLOAT32_TAGS, INT8_TAGS))
    scores = float32["box_scores"], int8["box_scores"]
    first, best = [of[:, 0] for of in scores], [of.max(axis=1) for of in scores]
    both_tell = (first[0] > 0) & (first[1] > 0)
    assert both_tell.sum() >= 5  # of seven photos
    assert np.abs(first[0] - first[1])[both_tell].max() < 0.1
    # Where one graph alone tells a dog, it does so barely: both best scores lie about the threshold.
    assert (np.maximum(*best)[(first[0] > 0) != (first[1] > 0)] < LEAST_BEST_SCORE + 0.03).all()


def test_export_in_int8_stores_no_weights_twice(version: Path, starter_model: Path) -> None:
    """The graph in int8 adds a byte for each weight of its convolutions, and shares the rest."""

    def size(folder: Path) -> int:
        return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())

    weights = load_backbone("efficientnet_lite2").network.count_params()
    assert size(version) - size(starter_model / "1") < 1.5 * weights


def test_exported_model_is_the_graph_in_int8_unless_told_otherwise(
    version: Path, starter_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A version with such a graph answers by it, one without by its only one; a setting or a caller turns it off."""

    def arithmetic(path: Path, tags: tuple[str, ...] | None = None) -> str:
        with ExportedModel(path, tags=tags) as model:
            return model.card.arithmetic

    assert (arithmetic(version), arithmetic(starter_model / "1")) == ("int8", "float32")
    assert arithmetic(version, FLOAT32_TAGS) == "float32"
    monkeypatch.setenv(SETTING, "off")
    assert arithmetic(version) == "float32"


def test_copies_of_a_version_keep_both_graphs(version: Path, tmp_path: Path) -> None:
    """A version calibrated anew, or under the names of 2018, has both graphs, and each still says which it is."""
    card = replace(read_card(version), temperature=0.9)
    path = write_recalibrated(version.parent, version, card)
    for tags, arithmetic in ((FLOAT32_TAGS, "float32"), (INT8_TAGS, "int8")):
        servable = SavedModelServable.load(path, SessionSettings(tags))
        copied = ModelCard.from_json(predict(servable, "describe", {})["model_card"][0])
        assert (copied.arithmetic, copied.temperature) == (arithmetic, 0.9)
        servable.close()
    legacy = write_legacy(tmp_path / "legacy", version)
    assert has_meta_graph(legacy, FLOAT32_TAGS)
    assert has_meta_graph(legacy, INT8_TAGS)


def test_version_without_the_graph_is_refused_by_its_tags(starter_model: Path) -> None:
    """Asked for a graph that a version does not have, the loader says which tags are missing."""
    saved = saved_model_pb2.SavedModel.FromString((starter_model / "1" / "saved_model.pb").read_bytes())
    assert len(saved.meta_graphs) == 1
    with pytest.raises(RuntimeError, match="int8"):
        SavedModelServable.load(starter_model / "1", SessionSettings(INT8_TAGS))


@pytest.mark.parametrize("size", [260, 340])
def test_accuracy_on_record_is_of_the_weights_it_was_measured_with(size: int) -> None:
    """The figures on record pass the gate for the starter's own weights, and there are none for others."""
    backbone = load_backbone("efficientnet_lite2", size=size)
    _, card = imagenet_head(backbone)
    accuracy = accuracy_on_record(card, weights_digest(backbone))
    assert accuracy
    assert gate(accuracy, 2.0, IMAGENET_LIMITS)["kept"]
    assert accuracy_on_record(card, weights_digest(load_backbone("efficientnet_lite2", RANDOM))) is None


def test_machine_without_kernels_costs_no_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There the version is made without the graph, and the card says why; asked for by name it is refused at once."""
    monkeypatch.setattr(kernels, "run_here", lambda: False)
    pixels = keras.Input((32, 32, 3))
    network = keras.Model(pixels, keras.layers.Conv2D(8, 3, activation="relu")(pixels))
    imagenet = Classifier(np.zeros((8, 1000), np.float32), np.zeros(1000, np.float32))
    version = export_imagenet_head(tmp_path, Backbone("small", Geometry(32, 1.0), network, imagenet), in_int8=True)
    assert "cannot run it" in read_card(version).int8["why_not"]
    assert not has_meta_graph(version, INT8_TAGS)
    for command in (["export"], ["train", str(draw_classes(tmp_path))]):
        with pytest.raises(SystemExit, match="cannot run it"):
            main([*command, "--int8", "--model", str(tmp_path / "other")])
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize(
    ("command", "reason"),
    [(["export", "--weights", "random"], "no ranges"), (["train", "PHOTOS"], "it takes 50 photos")],
)
def test_graph_asked_for_by_name_is_refused_at_once_if_it_cannot_be_made(
    command: list[str], reason: str, tmp_path: Path
) -> None:
    """`--int8` without ranges, or without photos to judge by, is an error before anything is computed or written."""
    photos, model = draw_classes(tmp_path), tmp_path / "model"
    with pytest.raises(SystemExit, match=reason):
        main([word.replace("PHOTOS", str(photos)) for word in command] + ["--int8", "--model", str(model)])
    assert not model.exists()


def draw_classes(folder: Path) -> Path:
    """Return a folder of two classes with a photo each."""
    for breed, colour in (("pug", "black"), ("boxer", "brown")):
        (folder / "classes" / breed).mkdir(parents=True)
        Image.new("RGB", (64, 64), colour).save(folder / "classes" / breed / "1.png")
    return folder / "classes"


def test_record_is_of_the_weights_it_was_measured_with() -> None:
    """Other weights of the same network have no ranges, and so no graph in int8, which the card says."""
    backbone = load_backbone("efficientnet_lite2", RANDOM)
    assert int8_record(backbone) is None
    assert int8_record(backbone, nearest=True) is None
    checked = gated(backbone, None, PASSING, NEAR)
    assert not checked["kept"]
    assert "no ranges" in checked["why_not"]


def test_record_of_the_nearest_size_will_do_where_there_are_no_photos() -> None:
    """At a size that is not on record there are ranges only for who asks for the nearest, and none without a record."""
    at_260, at_340 = (load_backbone("efficientnet_lite2", size=size) for size in (260, 340))
    assert int8_record(at_260) is None
    found = int8_record(at_260, nearest=True), int8_record(at_340), int8_record(at_340, nearest=True)
    layers, *others = (record.ranges.layers for record in found)
    assert others == [layers, layers]
    assert int8_record(replace(at_260, name="another"), nearest=True) is None


def test_export_in_int8_by_measured_ranges(shared_images: Path, tmp_path: Path) -> None:
    """A backbone that concatenates has a graph in int8, by ranges of photos at hand, that gives nearly its answers."""
    pixels = keras.Input((32, 32, 3))
    wide = keras.layers.Conv2D(16, 3, 2, activation="relu")(keras.layers.Rescaling(1 / 255)(pixels))
    parts = [keras.layers.Conv2D(32, 3, padding="same", use_bias=False)(wide) for _ in range(2)]
    joined = keras.layers.ReLU()(keras.layers.BatchNormalization()(keras.layers.Concatenate()(parts)))
    network = keras.Model(pixels, keras.layers.Conv2D(8, 1, activation="relu")(joined))
    backbone = Backbone("small", Geometry(32, 1.0), network, None)
    photos = sorted((shared_images / "dogs").glob("*.jpg"))
    record = measured_record(backbone, photos, "dogs")
    assert len(record.ranges.parts) == 2
    head = Classifier(np.random.default_rng(0).normal(0, 1, (8, 2)).astype(np.float32), np.zeros(2, np.float32))
    card = ModelCard("trained", "small", 32, 1.0, ("pug", "boxer"), False, int8={"kept": True})
    version = export_model(tmp_path, backbone, head, card, int8=record)
    batch = np.stack([np.asarray(read_pixels(photo.read_bytes(), backbone.geometry)) for photo in photos])
    answers = []
    for tags in (FLOAT32_TAGS, INT8_TAGS):
        servable = SavedModelServable.load(version, SessionSettings(tags))
        answers.append(predict(servable, "pixels", {"pixels": batch})["probabilities"])
        servable.close()
    assert 0 < np.abs(answers[0] - answers[1]).max() < 0.05


@pytest.mark.parametrize(
    ("figures", "speedup", "reason"),
    [
        ({}, 1.5, ""),
        ({"top1": 0.84}, 1.5, "top-1 falls by 1.0%"),
        ({"agreement": 0.98}, 1.5, "agrees on 98.0%"),
        ({"change": 0.022}, 1.5, "changes by 0.022"),
        ({}, 1.2, "1.20 times as fast"),
        ({}, None, "cannot run"),
    ],
)
def test_gate_keeps_a_graph_only_within_all_limits(figures: dict, speedup: float | None, reason: str) -> None:
    """Each limit alone refuses the graph, and the card says which and by what figures."""
    checked = gate(replace(PASSING, **figures), speedup, NEAR)
    assert checked["kept"] == (not reason)
    assert reason in checked["why_not"]
    assert checked["agreement"] == figures.get("agreement", 0.99)


def test_gate_allows_imagenets_near_neighbours_more() -> None:
    """An agreement that a trained head must not have is enough for ImageNet's 118 dogs."""
    accuracy = replace(PASSING, agreement=0.97, change=0.022)
    assert gate(accuracy, 2.0, IMAGENET_LIMITS)["kept"]
    assert not gate(accuracy, 2.0, NEAR)["kept"]
