"""Two versions at once under the labels `stable` and `canary`: the configuration file for TensorFlow Serving.

    tensorflow_model_server --model_config_file=models/dog_breed/models.config \\
        --model_config_file_poll_wait_seconds=5 --allow_version_labels_for_unavailable_models

The file speaks of `<model>/.labelled/`, where the two versions lie as hard links: a server that watches `<model>`
itself would take the canary for the live version, and a version that is promoted or pruned stays whole for a server
that reads it under its label.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from model_serving.releases.shelf import find_version, require_live
from model_serving.savedmodel.folder_lock import locked
from model_serving.savedmodel.versions import (
    delete_version,
    list_versions,
    make_hidden,
    remove_leftovers,
    version_path,
)

CONFIG = "models.config"
_LABELLED = ".labelled"


def serve_canary(model: Path, canary: int) -> Path:
    """Write the file that serves the live version as `stable` and version `canary` as `canary`; return its path.

    Raises `ReleaseError` if there is no such version, `ModelNotFoundError` if none is live.
    """
    with locked(model):
        return _write(model, {"stable": require_live(model), "canary": canary})


def follow_live(model: Path) -> Path | None:
    """Let `stable` follow the live version in a file that is there already, and end the canary; return its path."""
    with locked(model):
        return _write(model, {"stable": require_live(model)}) if (model / CONFIG).exists() else None


def _write(model: Path, labels: dict[str, int]) -> Path:
    base = model.resolve() / _LABELLED
    versions = sorted(set(labels.values()))
    for version in versions:
        _link(find_version(model, version), base / str(version))
    lines = [
        "model_config_list {",
        "  config {",
        f'    name: "{model.resolve().name}"',
        f'    base_path: "{base}"',
        '    model_platform: "tensorflow"',
        "    model_version_policy { specific { " + " ".join(f"versions: {version}" for version in versions) + " } }",
        *(f'    version_labels {{ key: "{label}" value: {version} }}' for label, version in labels.items()),
        "  }",
        "}",
    ]
    file = model / CONFIG
    incoming = file.with_name(f".{CONFIG}.incoming")
    incoming.write_text("\n".join(lines) + "\n")
    incoming.replace(file)
    return file


def drop_unlabelled(model: Path) -> None:
    """Delete the links of versions that have no label any more.

    Not done when a label moves: until a server has read the new file, it serves what the file before named.
    """
    base = model / _LABELLED
    with locked(model):
        remove_leftovers(base)
        config = (model / CONFIG).read_text() if (model / CONFIG).exists() else ""
        for version in list_versions(base):
            if f"versions: {version} " not in config:
                delete_version(version_path(base, version))


def _link(source: Path, target: Path) -> None:
    """Make `target` the same files as `source` without their space; in one rename, and only if it is not there."""
    if target.exists():
        return
    target.parent.mkdir(exist_ok=True)
    hidden = make_hidden(target.parent)
    try:
        shutil.copytree(source, hidden, copy_function=os.link, dirs_exist_ok=True)
        hidden.rename(target)
    finally:
        shutil.rmtree(hidden, ignore_errors=True)
