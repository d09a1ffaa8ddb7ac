"""The file for browsers and phones beside the graph that servers run."""

from __future__ import annotations

import hashlib
import sys
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image
from tensorflow.lite.python import schema_py_generated as schema

from dog_breed.command import main
from model_serving.backbones import Backbone, Classifier
from model_serving.photos import Geometry, read_pixels
from model_serving.savedmodel.card import CARD_FILE, ON_DEVICE_FILE, Familiarity, ModelCard
from model_serving.savedmodel.export import export_model
from model_serving.savedmodel.exported_model import ExportedModel
from model_serving.savedmodel.on_device import OnDeviceModel
from model_serving.savedmodel.on_device_gate import JudgingPhotos, add_on_device, drawn_pictures
from model_serving.savedmodel.onnx_file import OnnxModel

SIZE, FEATURES = 64, 8


@pytest.fixture(scope="module")
def tiny_backbone() -> Backbone:
    """Return a small network with ImageNet's classes, of random weights."""
    keras.utils.set_random_seed(0)
    pixels = keras.Input((SIZE, SIZE, 3))
    scaled = keras.layers.Rescaling(1 / 127.5, -1)(pixels)
    network = keras.Model(pixels, keras.layers.Conv2D(FEATURES, 16, 16, activation="relu")(scaled))
    return Backbone("tiny", Geometry(SIZE, 1.0), network, random_classifier(1000, 1.0))


@pytest.fixture(scope="module")
def plain(tiny_backbone: Backbone, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a version of a trained head on the small network without ImageNet's classes."""
    model = tmp_path_factory.mktemp("plain")
    card = trained(detects_dogs=False)
    return export_model(model, replace(tiny_backbone, imagenet=None), random_classifier(3, 1.0), card)


def random_classifier(classes: int, scale: float) -> Classifier:
    kernel = np.random.default_rng(1).normal(0, scale, (FEATURES, classes)).astype(np.float32)
    return Classifier(kernel, np.zeros(classes, np.float32))


def trained(**fields: object) -> ModelCard:
    """Return the card of a trained head of three breeds on the small network."""
    return ModelCard("trained", "tiny", SIZE, 1.0, ("Akita", "Pug", "Saluki"), **{"detects_dogs": True, **fields})


def read_card(version: Path) -> ModelCard:
    """Return the card beside a version."""
    return ModelCard.from_json((version / CARD_FILE).read_text(encoding="utf-8"))


def read_file(version: Path) -> bytes:
    """Return the version's file for devices."""
    return (version / ON_DEVICE_FILE).read_bytes()


def assert_answers_alike(version: Path, pixels: np.ndarray, names: set[str]) -> None:
    """Hold that the file has these outputs, and that each is what the graph says."""
    on_device = OnDeviceModel(read_file(version))
    with ExportedModel(version) as model:
        expected = model.ask(pixels, "explain")
    answers = [on_device.ask(one) for one in pixels]
    assert {name for answer in answers for name in answer} == names
    for name in names:
        np.testing.assert_allclose([answer[name][0] for answer in answers], expected[name], atol=0.03, err_msg=name)


def test_file_of_the_starter_answers_as_its_graph_to_photos(starter_model: Path, shared_images: Path) -> None:
    """Probabilities, dog probability, familiarity and heat map of real photos are those of the server."""
    version = starter_model / "1"
    photos = sorted((shared_images / "dogs").glob("*.jpg"))[:8]
    pixels = [np.asarray(read_pixels(photo.read_bytes(), read_card(version).geometry)) for photo in photos]
    names = {"probabilities", "dog_probability", "familiarity", "heatmap"}
    assert_answers_alike(version, np.stack(pixels), names)


def test_file_of_the_starter_is_what_a_browser_can_run(starter_model: Path) -> None:
    """It takes one photo as the contract says, needs LiteRT's own operations alone, and half the graph's bytes."""
    version = starter_model / "1"
    content = read_file(version)
    model = schema.Model.GetRootAs(content)
    codes = [model.OperatorCodes(index) for index in range(model.OperatorCodesLength())]
    assert codes
    assert all(code.CustomCode() is None for code in codes)
    signature = model.SignatureDefs(0)
    assert (model.SignatureDefsLength(), signature.SignatureKey()) == (1, b"pixels")
    assert [signature.Inputs(index).Name() for index in range(signature.InputsLength())] == [b"pixels"]
    photo = model.Subgraphs(0).Tensors(signature.Inputs(0).TensorIndex())
    size = read_card(version).input_size
    assert (photo.Type(), list(photo.ShapeAsNumpy())) == (schema.TensorType.FLOAT32, [1, size, size, 3])
    weights = sum(path.stat().st_size for path in (version / "variables").iterdir())
    assert len(content) < 0.55 * weights


def test_card_names_the_file_that_is_there(starter_model: Path) -> None:
    """Size and hash are those of the file, and the figures say what it was judged on."""
    version = starter_model / "1"
    told, content = read_card(version).on_device, read_file(version)
    assert told["kept"]
    assert (version / told["file"]).read_bytes() == content
    assert (told["bytes"], told["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
    assert told["input"] == read_card(version).input_size
    assert told["judged_on"] == "drawn pictures"
    assert told["agreement"] >= 0.985


def test_file_of_a_trained_head_has_what_the_model_can_tell(
    tiny_backbone: Backbone, plain: Path, tmp_path: Path
) -> None:
    """Familiarity comes out as on the server, two equal quantiles and all; what the model cannot tell is left out."""
    pictures = drawn_pictures(SIZE)
    quantiles = (-2.0, *np.linspace(-2, 2, 100).round(4))
    told = Familiarity(quantiles, dict.fromkeys(range(150, 260), 0.5))
    card = trained(familiarity=told, temperature=0.7)
    version = export_model(tmp_path, tiny_backbone, random_classifier(3, 1.0), card)
    assert_answers_alike(version, pictures, {"probabilities", "dog_probability", "familiarity", "heatmap"})
    assert_answers_alike(plain, pictures, {"probabilities", "heatmap"})


def test_version_whose_file_would_answer_otherwise_has_none(
    tiny_backbone: Backbone, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Weights beyond float16 leave no file, the card says why, and the command refuses to write one elsewhere."""
    head, card = random_classifier(3, 1e6), trained(detects_dogs=False)
    version = export_model(tmp_path / "model", replace(tiny_backbone, imagenet=None), head, card)
    told = read_card(version).on_device
    assert not (version / ON_DEVICE_FILE).exists()
    assert not told["kept"]
    assert "the first " in told["why_not"]
    assert "sha256" not in told
    file = tmp_path / "model.tflite"
    with pytest.raises(SystemExit, match="no such file that answers as it does: the first "):
        main(["export", "--format", "litert", "--model", str(tmp_path / "model"), "--to", str(file)])
    assert not file.exists()


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Return a folder of fifty photos of coarse noise."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(50):
        colours = np.random.default_rng(number).integers(0, 256, (8, 8, 3), np.uint8)
        Image.fromarray(colours.repeat(10, 0).repeat(10, 1)).save(folder / f"{number}.png")
    return folder


def test_export_as_one_file_writes_the_versions_own(
    plain: Path, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The file is the one in the version's folder, checked on the photos that are given, and overwrites nothing."""
    file = tmp_path / "model.tflite"
    command = ["export", "--format", "litert", "--model", str(plain.parent), "--to", str(file)]
    main([*command, "--photos", str(photos)])
    assert f"as {plain} to 100.0% of 50 photos" in capsys.readouterr().out
    assert file.read_bytes() == read_file(plain)
    with pytest.raises(SystemExit, match="exists already"):
        main(command)
    (tmp_path / "few").mkdir()
    with pytest.raises(SystemExit, match="has 0 photos; it takes 50"):
        main([*command[:-1], str(tmp_path / "other.tflite"), "--photos", str(tmp_path / "few")])


def test_export_as_onnx_answers_as_the_graph(plain: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same answers come from another runtime, under the names that the file for devices has."""
    file = tmp_path / "model.onnx"
    main(["export", "--format", "onnx", "--model", str(plain.parent), "--to", str(file)])
    assert "to 100.0% of 8 drawn pictures" in capsys.readouterr().out
    with ExportedModel(plain) as model:
        expected = model.ask(drawn_pictures(SIZE), "explain")
    for number, picture in enumerate(drawn_pictures(SIZE)):
        answer = OnnxModel(file.read_bytes()).ask(picture)
        assert set(answer) == {"probabilities", "heatmap"}
        for name, value in answer.items():
            np.testing.assert_allclose(value[0], expected[name][number], atol=1e-4)


def test_export_as_onnx_without_the_extra_says_how_to_get_it(
    plain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command names the extra that the converter is missing for, and writes nothing."""
    monkeypatch.setitem(sys.modules, "tf2onnx", None)
    with pytest.raises(SystemExit, match="needs the extra `onnx`"):
        main(["export", "--format", "onnx", "--model", str(plain.parent), "--to", str(tmp_path / "model.onnx")])
    assert not (tmp_path / "model.onnx").exists()


def test_file_is_judged_on_photos_where_there_are_enough(plain: Path, photos: Path) -> None:
    """Fifty photos of known breeds give top-1 both ways; fewer are passed over for drawn pictures."""
    paths, labels = sorted(photos.iterdir()), np.arange(50) % 3
    told = [
        add_on_device(plain, read_card(plain), JudgingPhotos(paths[:count], "test photos", labels[:count]))
        for count in (50, 49)
    ]
    assert [one["judged_on"] for one in told] == ["test photos", "drawn pictures"]
    assert [("top1" in one, "top1_float32" in one) for one in told] == [(True, True), (False, False)]
    assert told[0]["photos"] == 50
