"""A trained version takes the live one's place unless it is worse, and whoever insists gets what they ask for."""

from __future__ import annotations

from pathlib import Path

import pytest

from dog_breed.command import main
from model_serving.data.dataset import LabelledPhoto
from model_serving.releases.promotion import Promotion, compare_with_live, promote_unless_worse
from model_serving.releases.shelf import live_version
from model_serving.savedmodel.versions import write_version


@pytest.fixture
def photos(shared_images: Path) -> list[LabelledPhoto]:
    """Two dogs that the starter names right, and one of a breed that it does not know."""
    dogs = shared_images / "dogs"
    labels = {"Brittany_02625": "Brittany", "Labrador_retriever_06449": "Labrador Retriever"}
    known = [LabelledPhoto(dogs / f"{name}.jpg", breed) for name, breed in labels.items()]
    return [*known, LabelledPhoto(dogs / "American_water_spaniel_00648.jpg", "American Water Spaniel")]


@pytest.fixture
def model(starter_model: Path, tmp_path: Path) -> Path:
    """The starter as the live version 1, and version 2 on the shelf."""
    (tmp_path / "1").symlink_to(starter_model / "1")
    write_version(tmp_path, lambda folder: None, shelved=True)
    return tmp_path


def test_compare_with_live_counts_unknown_breeds_as_wrong(model: Path, photos: list[LabelledPhoto]) -> None:
    """The live version is judged on the very photos that the new one was tested on."""
    comparison = compare_with_live(model, 0.5, photos)
    assert comparison is not None
    assert (comparison.new, comparison.live, comparison.live_version) == (0.5, pytest.approx(2 / 3), 1)


@pytest.mark.parametrize(
    ("top1", "promotion", "live"),
    [(0.6, "better", 1), (0.7, "better", 2), (0.6, "always", 2), (0.7, "never", 1), (None, "better", 2)],
)
def test_choose_leaves_a_worse_version_on_the_shelf(
    model: Path,
    photos: list[LabelledPhoto],
    top1: float | None,
    promotion: Promotion,
    live: int,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Worse than two of three right is shelved, unless told otherwise; what is done is said."""
    promote_unless_worse(model, 2, top1, photos, promotion)
    assert live_version(model) == live
    assert ("version 2 is live" if live == 2 else "`dog-breed promote 2`") in capsys.readouterr().out


def test_compare_with_live_of_other_classes_is_no_contest(model: Path, shared_images: Path) -> None:
    """A live version that knows none of the classes names none of the photos right."""
    stranger = [LabelledPhoto(shared_images / "dogs" / "Brittany_02625.jpg", "Teapot")]
    comparison = compare_with_live(model, 0.1, stranger)
    assert comparison is not None
    assert comparison.live == 0


def test_choose_without_a_live_version_promotes(tmp_path: Path) -> None:
    """The first version of a model needs no comparison."""
    write_version(tmp_path, lambda folder: None, shelved=True)
    promote_unless_worse(tmp_path, 1, 0.1, [], "better")
    assert live_version(tmp_path) == 1


def test_verbs_promote_roll_back_list_and_prune(
    model: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """The command line does what the functions do, and says what it did."""
    here = ["--model", str(model)]
    main(["promote", "2", *here])
    assert live_version(model) == 2
    main(["rollback", *here])
    main(["canary", "2", "--percent", "5", *here])
    assert "# canary_percent: 5.00" in (model / "models.config").read_text()
    main(["models", *here])
    main(["prune", "--keep", "0", *here])
    printed = capsys.readouterr().out.splitlines()
    assert printed[:3] == ["version 2 is live", "version 1 is live", f"--model_config_file={model / 'models.config'}"]
    assert [line.split()[:2] for line in printed[4:6]] == [["2", "shelved"], ["1", "live"]]
    assert printed[6] == "deleted version 2"
    with pytest.raises(SystemExit, match="no version before the live one"):
        main(["rollback", *here])
    with pytest.raises(SystemExit):
        main(["canary", "2", "--percent", "101", *here])
    assert "'101' is no number from 0 to 100" in capsys.readouterr().err
