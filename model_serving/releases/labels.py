"""Two versions at once under the labels `stable` and `canary`: the configuration file for TensorFlow Serving.

    tensorflow_model_server --model_config_file=models/dog_breed/models.config \\
        --model_config_file_poll_wait_seconds=5 --allow_version_labels_for_unavailable_models

The file speaks of `<model>/.labelled/`, where the versions lie as hard links: a server that watches `<model>` itself
would take the canary for the live version, and a version that is promoted or pruned stays whole for a server that
reads it under its label.

No change of a label loses a request. A server moves a label only to a version that it has loaded, so that a version is
served first and labelled by the next change; and the version that a label leaves is served until the change after
that, or until `drop_unlabelled`.

The gateway reads the file, too, for the canary's share of the callers, which stands in a comment.
"""

from __future__ import annotations

import os
import re
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
_PERCENT = "# canary_percent: "
# The verb that moves each label.
_VERBS = {"stable": "promote", "canary": "canary"}


def serve_canary(model: Path, canary: int, percent: float | None = None) -> Path:
    """Write the file that serves the live version as `stable` and version `canary` as `canary`; return its path.

    `percent` of a gateway's callers are then answered by the canary; without it the gateway's own setting says how
    many. Raises `ReleaseError` if there is no such version, `ModelNotFoundError` if none is live.
    """
    with locked(model):
        return _change(model, {"stable": require_live(model), "canary": canary}, percent)


def follow_live(model: Path) -> Path | None:
    """Let `stable` follow the live version in a file that is there already, and end the canary; return its path."""
    with locked(model):
        return _change(model, {"stable": require_live(model)}) if (model / CONFIG).exists() else None


def begin_labels(model: Path) -> Path:
    """Serve the live version as `stable`, unless there is a file already; return its path."""
    with locked(model):
        return model / CONFIG if (model / CONFIG).exists() else _change(model, {"stable": require_live(model)})


def drop_unlabelled(model: Path) -> None:
    """Serve the labelled versions alone, and delete the links of all others."""
    base = model / _LABELLED
    with locked(model):
        remove_leftovers(base)
        _, labels, percent = _read(model)
        if labels:
            _write(model, set(labels.values()), labels, percent)
        for version in list_versions(base):
            if version not in labels.values():
                delete_version(version_path(base, version))


def _change(model: Path, wanted: dict[str, int], percent: float | None = None) -> Path:
    """Move the labels to the versions that are wanted, as far as servers of the file have them; say which wait."""
    served, labels, _ = _read(model)
    moved = {label: version if version in served else labels.get(label, version) for label, version in wanted.items()}
    for label, version in wanted.items():
        if moved[label] != version:
            print(
                f"`{label}` stays at version {moved[label]} until its servers have loaded version {version}; "
                f"then run `dog-breed {_VERBS[label]} {version}` again"
            )
    return _write(model, {*wanted.values(), *moved.values(), *labels.values()}, moved, percent)


def _read(model: Path) -> tuple[set[int], dict[str, int], float | None]:
    """Return the versions that the file serves, those that it labels, and the canary's share; nothing without one."""
    file = model / CONFIG
    text = file.read_text() if file.exists() else ""
    served = {int(version) for version in re.findall(r"versions: (\d+)", text)}
    labels = {label: int(version) for label, version in re.findall(r'key: "(\w+)" value: (\d+)', text)}
    percent = re.search(rf"(?m)^{_PERCENT}(\d+(?:\.\d+)?)$", text)
    return served, labels, float(percent[1]) if percent else None


def _write(model: Path, versions: set[int], labels: dict[str, int], percent: float | None) -> Path:
    base = model.resolve() / _LABELLED
    for version in versions:
        if version not in list_versions(base):
            _link(find_version(model, version), base / str(version))
    lines = [
        *([] if percent is None else [f"{_PERCENT}{percent:.2f}"]),
        "model_config_list {",
        "  config {",
        f'    name: "{model.resolve().name}"',
        f'    base_path: "{base}"',
        '    model_platform: "tensorflow"',
        f"    model_version_policy {{ specific {{ {' '.join(f'versions: {each}' for each in sorted(versions))} }} }}",
        *(f'    version_labels {{ key: "{label}" value: {version} }}' for label, version in labels.items()),
        "  }",
        "}",
    ]
    file = model / CONFIG
    incoming = file.with_name(f".{CONFIG}.incoming")
    incoming.write_text("\n".join(lines) + "\n")
    incoming.replace(file)
    return file


def _link(source: Path, target: Path) -> None:
    """Make `target` the same files as `source` without their space, in one rename."""
    target.parent.mkdir(exist_ok=True)
    hidden = make_hidden(target.parent)
    try:
        shutil.copytree(source, hidden, copy_function=os.link, dirs_exist_ok=True)
        hidden.rename(target)
    finally:
        shutil.rmtree(hidden, ignore_errors=True)
