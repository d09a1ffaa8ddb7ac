"""The file of labels is one that servers read, and what it names stays whole."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
from google.protobuf import text_format
from tensorflow_serving.config import model_server_config_pb2

from model_serving.errors import ReleaseError
from model_serving.releases.labels import begin_labels, drop_unlabelled, follow_live, serve_canary
from model_serving.releases.shelf import promote, prune
from model_serving.savedmodel.versions import list_versions, write_version


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Version 1 live, 2 and 3 on the shelf."""
    folder = tmp_path / "dog_breed"
    for number in (1, 2, 3):
        write_version(folder, lambda version: (version / "n").write_text("whole") and None, shelved=number > 1)
    return folder


def read(file: Path, also_served: Sequence[int] = ()) -> dict[str, int]:
    config = text_format.Parse(file.read_text(), model_server_config_pb2.ModelServerConfig())
    (entry,) = config.model_config_list.config
    assert (entry.name, entry.model_platform) == ("dog_breed", "tensorflow")
    assert all((Path(entry.base_path) / str(n) / "n").read_text() == "whole" for n in entry.version_labels.values())
    served = entry.model_version_policy.specific.versions
    assert sorted(served) == sorted({*entry.version_labels.values(), *also_served})
    assert all((Path(entry.base_path) / str(version)).is_dir() for version in served)
    return dict(entry.version_labels)


def test_serve_canary_labels_both_and_shows_neither_to_a_watcher(model: Path) -> None:
    """Upstream's own parser reads the file; whoever watches the folder sees no more than the live version."""
    assert read(serve_canary(model, 2)) == {"stable": 1, "canary": 2}
    assert list_versions(model) == [1]


def test_follow_live_moves_stable_and_ends_the_canary(model: Path) -> None:
    """After a promotion `stable` is the live version; without a file there is nothing to follow."""
    assert follow_live(model) is None
    file = serve_canary(model, 2)
    promote(model, 2)
    assert follow_live(model) == file
    assert read(file, also_served=[1]) == {"stable": 2}


def test_follow_live_serves_the_old_version_until_the_next_change(model: Path) -> None:
    """The version that a label left goes with the next change, or with `drop_unlabelled`."""
    file = serve_canary(model, 2)
    promote(model, 2)
    follow_live(model)
    follow_live(model)
    assert read(file) == {"stable": 2}
    serve_canary(model, 3)
    promote(model, 3)
    follow_live(model)
    assert read(file, also_served=[2]) == {"stable": 3}
    drop_unlabelled(model)
    assert read(file) == {"stable": 3}
    assert list_versions(model / ".labelled") == [3]


def test_labels_wait_for_a_version_that_is_not_served_yet(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A version that no server of the file has is served first, and labelled when the verb is run again."""
    file = serve_canary(model, 2)
    promote(model, 3)
    follow_live(model)
    assert read(file, also_served=[2, 3]) == {"stable": 1}
    assert "`stable` stays at version 1" in capsys.readouterr().out
    follow_live(model)
    assert read(file, also_served=[1]) == {"stable": 3}
    assert capsys.readouterr().out == ""


def test_begin_labels_labels_the_live_version_and_leaves_a_file(model: Path) -> None:
    """A folder without a file gets one that serves the live version as `stable`; a file that is there stays."""
    file = begin_labels(model)
    assert read(file) == {"stable": 1}
    serve_canary(model, 2, 5)
    assert read(begin_labels(model)) == {"stable": 1, "canary": 2}


def test_share_stands_in_the_file_until_the_canary_ends(model: Path) -> None:
    """Pruning keeps the canary's share, a promotion ends it, and servers read the file all the while."""
    file = serve_canary(model, 2, 5)
    drop_unlabelled(model)
    assert file.read_text().startswith("# canary_percent: 5.00\n")
    assert read(file) == {"stable": 1, "canary": 2}
    promote(model, 2)
    follow_live(model)
    assert "canary" not in file.read_text()


def test_serve_canary_takes_no_space_and_outlives_its_source(model: Path) -> None:
    """The labelled versions are the same files, and stay whole when the version they came from is deleted."""
    file = serve_canary(model, 3)
    assert (model / ".labelled" / "1" / "n").stat().st_ino == (model / "1" / "n").stat().st_ino
    shutil.rmtree(model / ".shelf" / "3")
    assert read(file) == {"stable": 1, "canary": 3}


def test_drop_unlabelled_keeps_what_the_file_names(model: Path) -> None:
    """With `prune`, links without a label go, and those that a server may read stay."""
    serve_canary(model, 2)
    serve_canary(model, 3)
    file = serve_canary(model, 3)
    prune(model, keep=0)
    drop_unlabelled(model)
    assert list_versions(model / ".labelled") == [1, 3]
    assert read(file) == {"stable": 1, "canary": 3}


def test_serve_canary_of_an_unknown_version_leaves_the_file(model: Path) -> None:
    """A wrong number is an error, and the file goes on saying what it said."""
    file = serve_canary(model, 2)
    with pytest.raises(ReleaseError, match="no version 8; it has 1, 2, 3"):
        serve_canary(model, 8)
    assert read(file) == {"stable": 1, "canary": 2}
