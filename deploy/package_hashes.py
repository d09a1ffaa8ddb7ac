"""Lock files of the images: each package that an image installs, with its version and the hashes of its files.

`python -m deploy.package_hashes` writes them anew from pyproject.toml and constraints.txt, for every platform. Run it
whenever one of these changes; tests/deploy tells if it was forgotten.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tomllib
from pathlib import Path

REPOSITORY = Path(__file__).parent.parent
# Which of the project's extras each file holds.
LOCK_FILES = {
    "detector_api/requirements.txt": ("api", "heic", "tracing"),
    "detector_app/requirements.txt": ("npm",),
    "model_serving/requirements.txt": ("serving", "heic"),
}


def main() -> None:
    """Write the lock files."""
    argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0]).parse_args()
    for path, extras in LOCK_FILES.items():
        write_lock_file(REPOSITORY / path, extras)


def write_lock_file(path: Path, extras: tuple[str, ...]) -> None:
    """Write the versions that the extras need, and what the project itself is built with."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    compile_command = [sys.executable, "-m", "uv", "pip", "compile", "pyproject.toml", "-"]
    options = ["--constraint", "constraints.txt", "--universal", "--generate-hashes", "--no-annotate", "--quiet"]
    named = [word for extra in extras for word in ("--extra", extra)]
    header = ["--custom-compile-command", "python -m deploy.package_hashes"]
    subprocess.run(
        [*compile_command, *options, *named, *header, "--output-file", str(path)],
        cwd=REPOSITORY,
        input="\n".join(project["build-system"]["requires"]),
        text=True,
        stdout=subprocess.DEVNULL,
        check=True,
    )


if __name__ == "__main__":
    main()
