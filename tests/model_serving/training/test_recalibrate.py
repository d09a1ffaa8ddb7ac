"""Calibration of an exported version, as a version of its own."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from tensorflow.core.protobuf import saved_model_pb2

from dog_breed.command import main
from model_serving.backbones import Backbone, Classifier
from model_serving.savedmodel.card import CARD_FILE, ON_DEVICE_FILE, ModelCard
from model_serving.savedmodel.export import export_model
from model_serving.savedmodel.exported_model import ExportedModel
from model_serving.savedmodel.graph import TEMPERATURE
from model_serving.savedmodel.on_device import OnDeviceModel
from model_serving.savedmodel.versions import list_versions
from model_serving.subject import Subject
from model_serving.training.calibration import FEWEST_PHOTOS

FEATURES = 2048
COLOURED = Subject("tile", "tiles", "colour", "colours")
COLOURS = {"Blue": (60, 60, 120), "Red": (120, 60, 60)}


@pytest.fixture
def photos(tmp_path: Path, draw_photo: Callable[..., Image.Image]) -> Path:
    """Return class folders of 60 photos; one in ten shows the other class's colour, so that no head is right in all."""
    for breed in COLOURS:
        (tmp_path / "photos" / breed).mkdir(parents=True)
        for number in range(30):
            colour = COLOURS[breed] if number % 10 else COLOURS["Red" if breed == "Blue" else "Blue"]
            draw_photo(*colour, seed=number).save(tmp_path / "photos" / breed / f"{number}.png")
    return tmp_path / "photos"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Return the folder of a model that tells red from blue and is far too sure of it."""
    # Its features are mean colours, among so many noughts that its weights lie in a file as those of real networks do.
    pixels = keras.Input((16, 16, 3))
    colours = keras.layers.Conv2D(FEATURES, 1, use_bias=False, kernel_initializer="zeros")
    network = keras.Model(pixels, colours(keras.layers.AveragePooling2D(4)(pixels)))
    colours.set_weights([np.eye(3, FEATURES, dtype=np.float32).reshape(1, 1, 3, FEATURES)])
    kernel = np.zeros((FEATURES, 2), np.float32)
    kernel[:3] = [[0.1, -0.1], [0.0, 0.0], [-0.1, 0.1]]
    card = ModelCard("trained", "tiny", 16, 1.0, ("Red", "Blue"), detects_dogs=False, subject=COLOURED)
    backbone = Backbone("tiny", card.geometry, network, None)
    export_model(tmp_path / "model", backbone, Classifier(kernel, np.zeros(2, np.float32)), card)
    return tmp_path / "model"


def test_calibrate_writes_a_version_with_honest_confidence(
    photos: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The next version answers the same breeds, is right as often as it says, and knows how its photos look."""
    main(["calibrate", str(photos), "--model", str(model), "--source", "drawn"])
    printed = capsys.readouterr().out
    assert "dog" not in printed.replace(str(model), "")
    assert "before: 60 photos: top-1 90.0%" in printed
    assert "after:  60 photos: top-1 90.0%" in printed
    pixels = np.stack([np.full((16, 16, 3), colour, np.uint8) for colour in (*COLOURS.values(), (0, 200, 0))])
    with ExportedModel(model / "1") as old, ExportedModel(model / "2") as new:
        before, after = old.ask(pixels), new.ask(pixels)
        card = new.card
        np.testing.assert_array_equal(before["top_breeds"], after["top_breeds"])
    assert before["top_probabilities"][0, 0] > 0.99
    assert after["top_probabilities"][0, 0] == pytest.approx(0.9, abs=0.05)
    assert card == ModelCard.from_json((model / "2" / CARD_FILE).read_text())
    assert card.subject == COLOURED
    assert card.calibration["photos"] == 60
    assert card.calibration["from"] == "drawn"
    assert card.calibration["error_after"] < card.calibration["error_before"]
    # So does the file for devices, which was judged on the same photos.
    content = (model / "2" / ON_DEVICE_FILE).read_bytes()
    assert hashlib.sha256(content).hexdigest() == card.on_device["sha256"]
    assert (card.on_device["judged_on"], card.on_device["photos"]) == ("drawn", 60)
    on_device = OnDeviceModel(content).ask(pixels[0])
    np.testing.assert_allclose(on_device["probabilities"][0], after["probabilities"][0], atol=0.01)
    np.testing.assert_allclose(on_device["familiarity"][0], after["familiarity"][0], atol=0.05)
    # Green is neither red nor blue: it has no evidence for either, and looks stranger than all photos.
    assert before["familiarity"].tolist() == [1, 1, 1]
    assert after["familiarity"][2] == 0 < after["familiarity"][0]


def test_calibrate_leaves_the_other_version_as_it_was(photos: Path, model: Path) -> None:
    """The weights are shared on disk, and what differs is written anew."""
    before = {path: path.read_bytes() for path in (model / "1").rglob("*") if path.is_file()}
    main(["calibrate", str(photos), "--model", str(model)])
    assert {path: path.read_bytes() for path in (model / "1").rglob("*") if path.is_file()} == before
    weights = "variables/variables.data-00000-of-00001"
    assert (model / "1" / weights).samefile(model / "2" / weights)


def test_calibrate_of_an_older_version_goes_to_the_shelf(photos: Path, model: Path) -> None:
    """A version that is not live does not become so by being calibrated."""
    main(["calibrate", str(photos), "--model", str(model)])
    main(["calibrate", str(photos), "--model", str(model), "--version", "1"])
    assert list_versions(model) == [1, 2]
    assert list_versions(model / ".shelf") == [3]


def test_calibrate_on_too_few_photos_is_refused(photos: Path, model: Path) -> None:
    """A handful of photos would decide by chance: one line says how many it takes, and no version appears."""
    for path in sorted(photos.rglob("*.png"))[FEWEST_PHOTOS - 1 :]:
        path.unlink()
    with pytest.raises(SystemExit, match=r"49 photos are too few to calibrate by; it takes 50"):
        main(["calibrate", str(photos), "--model", str(model)])
    assert list_versions(model) == [1]


def test_calibrate_of_a_version_of_an_older_release_is_refused(photos: Path, model: Path) -> None:
    """A graph without a place for the numbers is told by its version."""
    file = model / "1" / tf.saved_model.SAVED_MODEL_FILENAME_PB
    saved_model = saved_model_pb2.SavedModel.FromString(file.read_bytes())
    for node in saved_model.meta_graphs[0].graph_def.node:
        if node.name == TEMPERATURE:
            node.name = "older"
    file.write_bytes(saved_model.SerializeToString())
    with pytest.raises(SystemExit, match="Version 1 was exported by an older release"):
        main(["calibrate", str(photos), "--model", str(model)])
