"""Base images by version and digest: `python -m deploy.image_digests` writes both wherever an image is named.

Without arguments it looks up the digests of the versions that stand in the Dockerfiles and compose files. With
`--move nginx:1.30-trixie nginx:1.32-trixie` it moves to another version first. It asks the images' registries by
docker's buildx and downloads no image. A digest names one image for all platforms, and what it names never changes.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

REPOSITORY = Path(__file__).parent.parent
_FILES = ("*/Dockerfile", "docker-compose*.yaml", "deploy/monitoring/compose.yaml")
# The images of this project are in no registry that it knows of.
_REFERENCE = re.compile(
    r'((?:_IMAGE=|_IMAGE: "|\bimage: )(?!dog-breed-detector-))'
    r"((?:[\w.-]+:\d+/)?[\w./-]+:v?\d[\w.-]*)"
    r"(@sha256:[0-9a-f]{64})?"
)


def main() -> None:
    """Rewrite the repository's files and print each image with its digest."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--move", nargs=2, action="append", default=[], metavar=("OLD", "NEW"), help="NAME:VERSION each"
    )
    arguments = parser.parse_args()
    for image, digest in pin_images(REPOSITORY, dict(arguments.move)).items():
        print(f"{image}@{digest}")


def pin_images(root: Path, moves: dict[str, str]) -> dict[str, str]:
    """Rewrite the files below `root` and return the digest of each image; nothing is written if a lookup fails."""
    named = set(named_images(root))
    if unknown := moves.keys() - named:
        raise SystemExit(f"no file names {', '.join(sorted(unknown))}; there are {', '.join(sorted(named))}")
    digests = {moves.get(image, image): "" for image in sorted(named)}
    digests = {image: look_up_digest(image) for image in digests}

    def pin(reference: re.Match[str]) -> str:
        image = moves.get(reference[2], reference[2])
        return f"{reference[1]}{image}@{digests[image]}"

    for path in _files(root):
        path.write_text(_REFERENCE.sub(pin, path.read_text()))
    return digests


def named_images(root: Path) -> Iterator[str]:
    """Yield the `NAME:VERSION` of each reference to an image below `root`."""
    for path in _files(root):
        yield from (reference[2] for reference in _REFERENCE.finditer(path.read_text()))


def look_up_digest(image: str) -> str:
    """Return the digest that the image's registry has for its version; raise CalledProcessError if it has none."""
    command = ["docker", "buildx", "imagetools", "inspect", image, "--format", "{{json .Manifest}}"]
    found = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    digest: str = json.loads(found.stdout)["digest"]
    return digest


def _files(root: Path) -> Iterator[Path]:
    return (path for pattern in _FILES for path in sorted(root.glob(pattern)))


if __name__ == "__main__":
    main()
