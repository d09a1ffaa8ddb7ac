"""The lock files of the images, against the project's own requirements and versions."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from deploy.package_hashes import LOCK_FILES

REPOSITORY = Path(__file__).parents[2]
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
AGAIN = "run `python -m deploy.package_hashes`"

every_file = pytest.mark.parametrize("path", LOCK_FILES)


def read_lock_file(path: str) -> dict[str, tuple[str, list[str]]]:
    """Return the version and the hashes of each package in a lock file."""
    text = re.sub(r"(?m)^#.*\n", "", (REPOSITORY / path).read_text()).replace("\\\n", " ")
    found: dict[str, tuple[str, list[str]]] = {}
    for line in text.splitlines():
        name, version = re.findall(r"^([\w.-]+)==([^ ;]+)", line)[0]
        found[canonicalize_name(name)] = (version, re.findall(r"--hash=sha256:([0-9a-f]{64})\b", line))
    return found


@every_file
def test_lock_file_has_hashes_of_the_versions_in_use(path: str) -> None:
    """An image runs the versions that the tests run, and takes no file that was not there when they were chosen."""
    lines = (REPOSITORY / "constraints.txt").read_text().splitlines()
    versions = {
        str(canonicalize_name(name)): version for name, version in (line.split("==") for line in lines if "==" in line)
    }
    for name, (version, hashes) in read_lock_file(path).items():
        assert hashes, name
        assert version == versions.get(name, version), f"{name}: {AGAIN}"


@every_file
def test_lock_file_has_all_that_the_extras_need(path: str) -> None:
    """Nothing that an image's extras ask for, directly or by another package, is missing."""
    extras = PROJECT["project"]["optional-dependencies"]
    wanted = [*PROJECT["project"]["dependencies"], *PROJECT["build-system"]["requires"]]
    wanted += [one for extra in LOCK_FILES[path] for one in extras[extra]]
    locked, seen = read_lock_file(path), set()
    queue = [Requirement(one) for one in wanted]
    while queue:
        requirement = queue.pop()
        name = canonicalize_name(requirement.name)
        assert name in locked, f"{name}: {AGAIN}"
        assert requirement.specifier.contains(locked[name][0], prereleases=True), f"{requirement}: {AGAIN}"
        for one in (
            map(Requirement, distribution(name).requires or ()) if (name, *requirement.extras) not in seen else ()
        ):
            if not one.marker or any(one.marker.evaluate({"extra": extra}) for extra in ("", *requirement.extras)):
                queue.append(one)
        seen.add((name, *requirement.extras))
