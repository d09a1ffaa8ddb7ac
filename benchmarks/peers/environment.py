"""The virtual environment of the peers: their own packages, and TensorFlow from the project's, as it weighs 2 GB."""

from __future__ import annotations

import subprocess
import sysconfig
import venv
from pathlib import Path

REQUIREMENTS = Path(__file__).with_name("requirements.txt")
FOLDER = Path(__file__).parents[2] / "build" / "peers"


def peers_python() -> Path:
    """Return the interpreter of the environment, which is made anew whenever the requirements have changed."""
    python = FOLDER / "bin" / "python"
    made_of = FOLDER / REQUIREMENTS.name  # written last: what was interrupted is made again
    if not made_of.exists() or made_of.read_text() != REQUIREMENTS.read_text():
        print("Installing LitServe and BentoML into build/peers, once (200 MB; a minute) ...", flush=True)
        venv.create(FOLDER, clear=True, with_pip=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        # What they need of TensorFlow's own requirements is pinned as it is in the project: nothing is resolved.
        subprocess.run([*pip, "--no-deps", "--only-binary", ":all:", "--requirement", str(REQUIREMENTS)], check=True)
        packages = sysconfig.get_path("purelib", vars={"base": str(FOLDER)})
        Path(packages, "project.pth").write_text(sysconfig.get_path("purelib") + "\n")
        made_of.write_text(REQUIREMENTS.read_text())
    return python
