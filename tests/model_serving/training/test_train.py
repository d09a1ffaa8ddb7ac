"""The whole way from class folders to a served version, on real photos."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from dog_breed.command import main
from model_serving.savedmodel.card import Familiarity, ModelCard
from model_serving.savedmodel.exported_model import ExportedModel
from model_serving.savedmodel.familiarity import QUANTILES
from model_serving.savedmodel.versions import list_versions
from model_serving.training import calibration, fit

BREEDS = ("chihuahua", "samoyed", "great_dane")


@pytest.fixture
def data(shared_images: Path, tmp_path: Path) -> Path:
    """Lay out 20 real photos of each of three breeds in plain class folders, and one broken file."""
    root = tmp_path / "data"
    for breed in BREEDS:
        (root / breed).mkdir(parents=True)
        for path in sorted((shared_images / "dogs64" / "train" / breed).iterdir())[:20]:
            shutil.copy(path, root / breed)
    (root / "samoyed" / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    return root


def read_card(version: Path) -> ModelCard:
    with ExportedModel(version) as model:
        return model.card


def test_train_on_class_folders_exports_the_next_version(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One command line leads from photos to a version with its figures; a second run, from nothing, makes the same."""
    command = ["train", str(data), "--backbone", "efficientnet_lite2", "--epochs", "10", "--model"]
    command += [str(tmp_path / "model"), "--cache"]
    main([*command, str(tmp_path / "features.sqlite")])
    printed = capsys.readouterr().out
    assert "skipped" in printed
    assert "broken.jpg" in printed
    assert "test: 6 photos: top-1" in printed

    main([*command, str(tmp_path / "other.sqlite")])
    assert "version 1 is live" in printed
    assert (tmp_path / "model" / "1" / "assets.extra" / "report.html").exists()
    assert list_versions(tmp_path / "model") == [1, 2]
    first, second = read_card(tmp_path / "model" / "1"), read_card(tmp_path / "model" / "2")
    assert first.breeds == ("Chihuahua", "Great Dane", "Samoyed")
    assert first.head == "trained"
    assert first.input_size == 260  # the photos are small
    assert first.detects_dogs
    assert first.training["photos"] == 48
    assert first.training["breeds"] == dict.fromkeys(first.breeds, 16)
    assert first.training["started_from"] == "imagenet"
    assert first.test["photos"] == 6
    assert first.test["top1"] >= 0.5  # a guess is right in a third of the cases
    assert first.data_fingerprint == second.data_fingerprint
    assert first.test == second.test
    first_weights, second_weights = (
        (tmp_path / "model" / version / "variables" / "variables.data-00000-of-00001").read_bytes() for version in "12"
    )
    assert first_weights == second_weights
    assert first.on_device["kept"]


def test_train_lists_wrong_labels_and_leaves_them_out_when_told(
    data: Path, shared_images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Photos put in the wrong folder are in the report's list, which `--drop` takes; a dry run first writes nothing."""
    for breed in BREEDS:  # fewer than 50 training photos tell nothing
        for path in sorted((shared_images / "dogs64" / "train" / breed).iterdir())[20:30]:
            shutil.copy(path, data / breed)
    for photo in sorted((data / "samoyed").iterdir())[1:5]:
        photo.rename(data / "chihuahua" / f"moved {photo.name}")
    shutil.copy(next((data / "great_dane").iterdir()), data / "great_dane" / "copy.jpg")
    cache = tmp_path / "features.sqlite"
    command = ["train", str(data), "--backbone", "efficientnet_lite2", "--model", str(tmp_path / "model")]
    command += ["--cache", str(cache), "--epochs", "10"]
    main([*command, "--dry-run"])
    assert "features: 9" in capsys.readouterr().out
    assert not cache.exists()
    assert not (tmp_path / "model").exists()

    main(command)
    listed = tmp_path / "model" / "1" / "assets.extra" / "likely_wrong_labels.csv"
    assert sum("moved" in line for line in listed.read_text().splitlines()) >= 3
    review = json.loads((listed.parent / "report.json").read_text())["review"]
    assert "copy.jpg" in str(review["near_duplicates"]) or "copy.jpg" in str(review["label_issues"])
    capsys.readouterr()
    main([*command, "--dry-run", "--drop", str(listed)])
    assert f"{len(listed.read_text().splitlines()) - 1} photos left out" in capsys.readouterr().out


def test_train_with_densenet201_at_random_weights_exports(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The default backbone goes the same way; random weights stand in for those that need its host.

    With validation photos too few to calibrate by, the training photos are cross-validated.
    """
    for module in (fit, calibration):
        monkeypatch.setattr(module, "FEWEST_PHOTOS", 6)
    for breed in BREEDS:
        for path in sorted((data / breed).iterdir())[4:]:
            path.unlink()
    command = ["train", str(data), "--weights", "random", "--epochs", "1"]
    main([*command, "--model", str(tmp_path / "model"), "--cache", str(tmp_path / "features.sqlite")])
    card = read_card(tmp_path / "model" / "1")
    assert (card.backbone, card.input_size, card.detects_dogs) == ("densenet201", 224, False)
    assert card.training["started_from"] == "discriminants"
    assert card.calibration["from"] == "cross-validation"
    assert card.calibration["photos"] == card.training["photos"] == 6
    assert len(card.familiarity.quantiles) == QUANTILES


def test_train_on_one_photo_a_breed_exports_what_imagenet_knows(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With nothing to validate or test on there is a version all the same, which tells these breeds apart."""
    for breed in BREEDS:
        for path in sorted((data / breed).iterdir())[1:]:
            path.unlink()
    command = ["train", str(data), "--backbone", "efficientnet_lite2", "--model", str(tmp_path / "model")]
    main([*command, "--cache", str(tmp_path / "features.sqlite")])
    assert "3 train, 0 valid, 0 test photos" in capsys.readouterr().out
    card = read_card(tmp_path / "model" / "1")
    assert (card.training["photos"], card.test, card.temperature, card.calibration) == (3, None, 1.0, None)
    assert card.familiarity.quantiles == ()
    assert card.training["history"]["accuracy"][-1] == 1


def test_train_refuses_a_balance_beyond_its_range(capsys: pytest.CaptureFixture[str]) -> None:
    """An option that makes no sense is told at once, with what does."""
    with pytest.raises(SystemExit):
        main(["train", "photos", "--balance", "2"])
    assert "'2' is no number from 0 to 1" in capsys.readouterr().err


def test_train_on_empty_folder_prints_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A fault that a person can mend is one line on stderr and a failing status, and no version appears."""
    with pytest.raises(SystemExit) as stopped:
        main(["train", str(tmp_path), "--model", str(tmp_path / "model")])
    assert str(stopped.value).startswith("dog-breed: ")
    assert "\n" not in str(stopped.value)
    assert not (tmp_path / "model").exists()


def test_evaluate_prints_figures_and_what_was_left_out(
    starter_model: Path, shared_images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A list of file,label gives the accuracy, and names the labels that the model does not know."""
    dogs = shared_images / "dogs"
    rows = [f"{path},{path.stem.rsplit('_', 1)[0]}" for path in sorted(dogs.glob("*.jpg"))]
    (tmp_path / "list.csv").write_text("\n".join([*rows, f"{tmp_path / 'gone.jpg'},Pug"]))
    main(["evaluate", str(tmp_path / "list.csv"), "--model", str(starter_model)])
    printed = capsys.readouterr().out
    assert "not known to this model: American Water Spaniel (1)" in printed
    assert "skipped" in printed
    assert "6 photos: top-1 100.0% (61.0% to 100.0%), top-5 100.0%" in printed


def test_card_survives_json() -> None:
    """The answer of `describe` is read back as it was written."""
    card = ModelCard("trained", "densenet201", 224, 1.0, ("Akita", "Löwchen"), True, test={"photos": 3, "top1": 1.0})
    assert ModelCard.from_json(card.to_json()) == card
    calibrated = replace(card, familiarity=Familiarity((0.5, 1.0), {281: 0.5}), calibration={"photos": 60})
    assert ModelCard.from_json(calibrated.to_json()) == calibrated
    assert json.loads(card.to_json())["created"].endswith("Z")


def test_train_with_unknown_backbone_names_those_there_are(data: Path, tmp_path: Path) -> None:
    """A mistyped backbone is one line with the right names."""
    with pytest.raises(SystemExit, match=r"no backbone 'resnet'; there are densenet201, efficientnet_lite2"):
        main(["train", str(data), "--backbone", "resnet", "--model", str(tmp_path / "model")])
