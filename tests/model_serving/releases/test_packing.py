"""Packed versions: whole or not at all, on the way out and on the way in."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from model_serving.errors import DownloadError, ReleaseError
from model_serving.releases.packing import FORM, MANIFEST, pack, unpack_version
from model_serving.releases.shelf import live_version, shelved_versions
from model_serving.savedmodel.card import CARD_FILE, ON_DEVICE_FILE, ModelCard
from model_serving.savedmodel.versions import write_version

CARD = ModelCard("trained", "efficientnet_lite2", 64, 1.0, ("Circle", "Square"), detects_dogs=False)
CONTENTS = {
    "saved_model.pb": b"graph " * 1000,
    "variables/variables.index": b"index",
    CARD_FILE: CARD.to_json().encode(),
    "assets.extra/report.html": b"<p>report",
    ON_DEVICE_FILE: b"file for devices",
}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model whose one version has files as a SavedModel has."""

    def write(folder: Path) -> None:
        for name, data in CONTENTS.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)

    write_version(tmp_path / "model", write)
    return tmp_path / "model"


@pytest.fixture
def packed(model: Path) -> Path:
    """The version as a zip file."""
    file = model.parent / "packed.zip"
    pack(model, 1, file)
    return file


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def rewritten(packed: Path, changed: dict[str, bytes | None]) -> Path:
    """The packed file with some members replaced, added, or left out (None)."""
    with zipfile.ZipFile(packed) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    file = packed.with_name("changed.zip")
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in {**members, **changed}.items():
            if data is not None:
                archive.writestr(name, data)
    return file


def test_unpack_version_gives_the_same_files_under_the_next_number(model: Path, packed: Path) -> None:
    """A version that was packed and unpacked is the same, byte for byte, and live; the one before stays."""
    assert unpack_version(packed, model) == model / "2"
    assert contents(model / "2") == contents(model / "1") == CONTENTS
    assert sorted(path.name for path in model.iterdir()) == ["1", "2"]


def test_unpack_version_to_the_shelf_leaves_the_live_one(model: Path, packed: Path) -> None:
    """A version that is unpacked to the shelf waits there."""
    unpack_version(packed, model, shelved=True)
    assert (live_version(model), shelved_versions(model)) == (1, [2])


def test_unpack_version_makes_the_folder_of_a_first_model(tmp_path: Path, packed: Path) -> None:
    """A machine that never had a model needs no other step."""
    assert unpack_version(packed, tmp_path / "new" / "model") == tmp_path / "new" / "model" / "1"


def test_pack_says_what_is_inside(packed: Path) -> None:
    """The file has a card, a report, a note on licences and a digest of every file."""
    with zipfile.ZipFile(packed) as archive:
        manifest = json.loads(archive.read(MANIFEST))
        assert b"licence" in archive.read("LICENCE.txt")
    assert (manifest["form"], manifest["backbone"], manifest["version"]) == (FORM, "efficientnet_lite2", 1)
    assert set(manifest["files"]) == set(CONTENTS)


def test_pack_twice_gives_the_same_bytes(model: Path, packed: Path) -> None:
    """The same version packs into the same file, so that a digest of it can be published."""
    pack(model, 1, model.parent / "again.zip")
    assert (model.parent / "again.zip").read_bytes() == packed.read_bytes()


def test_pack_overwrites_nothing(model: Path, packed: Path) -> None:
    """A file that is there is kept."""
    before = packed.read_bytes()
    with pytest.raises(ReleaseError, match="exists already"):
        pack(model, 1, packed)
    assert packed.read_bytes() == before


def test_pack_into_a_folder_that_is_missing_leaves_nothing(model: Path) -> None:
    """A file that cannot be written leaves no half of itself."""
    with pytest.raises(FileNotFoundError):
        pack(model, 1, model / "none" / "x.zip")
    assert [path.name for path in model.iterdir()] == ["1"]


def test_pack_unknown_version_names_those_that_are(model: Path) -> None:
    """A version that is none is told with the versions there are."""
    with pytest.raises(ReleaseError, match="has no version 7; it has 1"):
        pack(model, 7, model.parent / "x.zip")


def test_pack_without_card_is_told(model: Path) -> None:
    """A SavedModel of another project, which has no card, is not packed."""
    (model / "1" / CARD_FILE).unlink()
    with pytest.raises(ReleaseError, match="no card"):
        pack(model, 1, model.parent / "x.zip")
    assert not (model.parent / "x.zip").exists()


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"version/variables/variables.index": b"indey"}, "damaged: 'variables/variables.index'"),
        ({"version/variables/variables.index": None}, "damaged: 'variables/variables.index'"),
        ({"version/more": b""}, "damaged: 'more'"),
        ({MANIFEST: None}, "no packed version"),
        ({MANIFEST: b"[]"}, "no packed version"),
        ({MANIFEST: b"{"}, "no packed version"),
        ({MANIFEST: b"[" * 100_000}, "no packed version"),
        ({MANIFEST: b'{"form": "dog-breed version, form 9", "files": {}}'}, "another form"),
        ({MANIFEST: json.dumps({"form": FORM, "files": 3}).encode()}, "no packed version"),
        ({MANIFEST: json.dumps({"form": FORM, "files": {"x": 1}}).encode()}, "damaged"),
    ],
)
def test_unpack_version_of_changed_file_is_refused(
    model: Path, packed: Path, changed: dict[str, bytes | None], told: str
) -> None:
    """A file that is not what was packed is refused in one sentence, and no version appears."""
    with pytest.raises(ReleaseError, match=told):
        unpack_version(rewritten(packed, changed), model)
    assert [path.name for path in model.iterdir()] == ["1"]


@pytest.mark.parametrize("cut", [0, 10, -1, -40])
def test_unpack_version_of_cut_file_is_refused(model: Path, packed: Path, cut: int) -> None:
    """A download that broke off is refused, and no version appears."""
    packed.write_bytes(packed.read_bytes()[:cut])
    with pytest.raises(DownloadError, match="no sound zip file"):
        unpack_version(packed, model)
    assert [path.name for path in model.iterdir()] == ["1"]


@pytest.mark.parametrize("name", ["../escaped", "version/../../escaped", "/tmp/escaped", "version\\..\\escaped"])
def test_unpack_version_writes_nowhere_else(model: Path, packed: Path, name: str) -> None:
    """A member that leads out of the version's folder is refused before anything is written."""
    with pytest.raises(DownloadError, match="leads out"):
        unpack_version(rewritten(packed, {name: b"x"}), model)
    assert not list(model.parent.rglob("escaped*"))
    assert [path.name for path in model.iterdir()] == ["1"]


def test_unpack_version_of_any_other_path_is_told(model: Path) -> None:
    """A file that is missing, or a folder, is told by its name."""
    for path in (model.parent / "none.zip", model):
        with pytest.raises(ReleaseError, match="no file"):
            unpack_version(path, model)
