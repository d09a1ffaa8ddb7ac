"""The live version changes by single renames, and nothing is lost but by `prune`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from model_serving.errors import ModelNotFoundError, ReleaseError
from model_serving.releases.shelf import (
    find_version,
    live_version,
    promote,
    prune,
    require_live,
    rollback,
    shelved_versions,
)
from model_serving.savedmodel.versions import list_versions, write_version


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Versions 1 to 3 in sight and 4 on the shelf, each with its number in a file."""
    for number in range(1, 5):

        def write(folder: Path, number: int = number) -> None:
            (folder / "n").write_text(str(number))

        write_version(tmp_path, write, shelved=number == 4)
    return tmp_path


def contents(model: Path) -> dict[int, str]:
    every = [*list_versions(model), *shelved_versions(model)]
    return {version: (find_version(model, version) / "n").read_text() for version in every}


def test_write_version_to_the_shelf_is_out_of_sight_and_holds_its_number(model: Path) -> None:
    """A shelved version is not live, and no later export takes its number."""
    assert (live_version(model), shelved_versions(model)) == (3, [4])
    assert write_version(model, lambda folder: None) == model / "5"


def test_promote_from_the_shelf_makes_it_live(model: Path) -> None:
    """A version on the shelf becomes the live one, and those before it stay where they were."""
    promote(model, 4)
    assert (list_versions(model), shelved_versions(model)) == ([1, 2, 3, 4], [])


def test_promote_an_older_version_shelves_those_above(model: Path) -> None:
    """To promote an older version is to shelve the newer ones, which can be promoted again."""
    promote(model, 1)
    assert (live_version(model), shelved_versions(model)) == (1, [2, 3, 4])
    promote(model, 3)
    assert (list_versions(model), shelved_versions(model)) == ([1, 3], [2, 4])
    assert contents(model) == {1: "1", 2: "2", 3: "3", 4: "4"}


def test_promote_keeps_the_old_live_until_the_last_rename(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader between any two steps finds the old version live or the new one, and never a third."""
    seen, rename = [], Path.rename

    def watched(self: Path, target: Path) -> Path:
        seen.append(live_version(model))
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", watched)
    promote(model, 1)
    assert [*seen, live_version(model)] == [3, 3, 1]


def test_rollback_goes_back_one_version(model: Path) -> None:
    """The live version goes to the shelf and the one before it is live, until there is none before."""
    assert [rollback(model), rollback(model)] == [2, 1]
    assert shelved_versions(model) == [2, 3, 4]
    with pytest.raises(ReleaseError, match="no version before the live one"):
        rollback(model)
    assert live_version(model) == 1


def test_prune_keeps_the_live_version_and_the_newest(model: Path) -> None:
    """The oldest version is deleted, wherever it lies, and never the live one."""
    promote(model, 2)
    assert prune(model, keep=1) == [1, 3]
    assert contents(model) == {2: "2", 4: "4"}
    assert prune(model, keep=0) == [4]
    assert prune(model, keep=0) == []
    assert [path.name for path in model.iterdir() if path.is_dir() and path.name != ".shelf"] == ["2"]


def test_prune_killed_is_completed_by_the_next(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A version of which a killed `prune` deleted half is in nobody's sight, and the next `prune` deletes the rest."""
    with monkeypatch.context() as patch:
        patch.setattr("shutil.rmtree", lambda path: None)
        assert prune(model, keep=1) == [1, 2]
    assert contents(model) == {3: "3", 4: "4"}
    assert len(list(model.glob(".deleted-*"))) == 2
    assert prune(model, keep=0) == [4]
    assert sorted(path.name for path in model.rglob("*")) == [".shelf", "3", "n"]


# What each of several processes does to one model at once.
TRAINER = """
import sys
from pathlib import Path
from model_serving.errors import ReleaseError
from model_serving.releases.shelf import promote, rollback
from model_serving.savedmodel.versions import write_version

model, name = Path(sys.argv[1]), sys.argv[2]
for number in range(20):
    written = write_version(model, lambda folder: (folder / "n").write_text(f"{name} {number}") and None, shelved=True)
    promote(model, int(written.name))
    if number % 3 == 0:
        try:
            rollback(model)
        except ReleaseError:  # the other one was faster
            pass
"""


def test_two_trainers_at_once_each_have_versions_of_their_own(tmp_path: Path) -> None:
    """Trainers that number, promote and roll back in one folder lose none of their versions, and leave one live."""
    trainers = [subprocess.Popen([sys.executable, "-c", TRAINER, str(tmp_path), name]) for name in "abc"]
    assert [trainer.wait(60) for trainer in trainers] == [0, 0, 0]
    assert sorted(contents(tmp_path).values()) == sorted(f"{name} {number}" for name in "abc" for number in range(20))
    assert sorted(contents(tmp_path)) == list(range(1, 61))
    assert live_version(tmp_path)
    assert [path.name for path in tmp_path.iterdir() if not path.name.isdecimal()] == [".shelf"]


def test_promote_of_an_unknown_version_names_those_there_are(model: Path) -> None:
    """A wrong number changes nothing and is answered with the right ones."""
    with pytest.raises(ReleaseError, match="no version 9; it has 1, 2, 3, 4"):
        promote(model, 9)
    assert contents(model) == {1: "1", 2: "2", 3: "3", 4: "4"}


def test_require_live_without_a_version_says_how_to_make_one(tmp_path: Path) -> None:
    """A person who has nothing live yet is told what to do."""
    with pytest.raises(ModelNotFoundError, match="dog-breed export"):
        require_live(tmp_path)
