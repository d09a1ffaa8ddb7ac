"""Software bill of materials (CycloneDX 1.6) of an image: packages of Debian, Python and npm with their licences.

The images' builds run it, with nothing but Python's own library: `python sbom.py FOLDER NAME`, where FOLDER is the root
of the image. The texts of the licences stay in the image, in `/usr/share/doc` and in each Python package's `dist-info`.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator
from email.parser import HeaderParser
from email.policy import compat32
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any
from urllib.parse import quote

# Where Debian, Ubuntu, and Debian's own Python have Python packages, and where python:3 images have them.
_PYTHON_FOLDERS = (
    "usr/lib/python3/dist-packages",
    "usr/local/lib/python3*/dist-packages",
    "usr/local/lib/python3*/site-packages",
)
# Where the page has what it brings of npm.
_NPM_PACKAGES = "usr/share/nginx/page/*/package.json"
_CLASSIFIER = "License :: OSI Approved :: "
# A `License` field may hold the whole text.
_LONGEST_NAME = 100

Component = dict[str, Any]


def main() -> None:
    """Print the bill of materials of a folder."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("root", type=Path, metavar="FOLDER", help="root of the image's files")
    parser.add_argument("name", metavar="NAME", help="name of the image")
    arguments = parser.parse_args()
    print(json.dumps(bill_of_materials(arguments.root, arguments.name), indent=1))


def bill_of_materials(root: Path, name: str) -> dict[str, Any]:
    """Return the CycloneDX document of the packages installed below `root`."""
    components = {one["purl"]: one for one in (*debian_packages(root), *python_packages(root), *npm_packages(root))}
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {"type": "container", "name": name}},
        "components": [components[purl] for purl in sorted(components)],
    }


def debian_packages(root: Path) -> Iterator[Component]:
    """Yield the packages that dpkg has installed; their licences by Debian's short names."""
    status = root / "var/lib/dpkg/status"
    system = _read_system(root)
    for paragraph in re.split(r"\n\n+", status.read_text()) if status.is_file() else ():
        fields = HeaderParser(policy=compat32).parsestr(paragraph)
        if fields["Status"] != "install ok installed":
            continue
        name, version = fields["Package"], fields["Version"]
        purl = f"pkg:deb/{system}/{name}@{quote(version)}?arch={fields['Architecture']}"
        yield _component(name, version, purl, _named_licences(root / "usr/share/doc" / name / "copyright"))


def python_packages(root: Path) -> Iterator[Component]:
    """Yield the Python packages; their licences as the packages state them."""
    folders = [str(folder) for pattern in _PYTHON_FOLDERS for folder in root.glob(pattern)]
    for package in distributions(path=folders):
        name, version = package.metadata["Name"], package.version
        purl = f"pkg:pypi/{re.sub(r'[-_.]+', '-', name).lower()}@{quote(version)}"
        yield _component(name, version, purl, _python_licences(package))


def npm_packages(root: Path) -> Iterator[Component]:
    """Yield the npm packages of the page; their licences as the packages state them."""
    for path in root.glob(_NPM_PACKAGES):
        about = json.loads(path.read_text())
        purl = f"pkg:npm/{quote(about['name'])}@{quote(about['version'])}"
        yield _component(about["name"], about["version"], purl, [about["license"]] if "license" in about else [])


def _python_licences(package: Distribution) -> list[str]:
    """Return the licences that a package states of itself, and those of the libraries that its wheel brings along."""
    metadata: Any = package.metadata
    classifiers = metadata.get_all("Classifier") or []
    stated = [metadata.get("License-Expression") or ""]
    stated += [one.removeprefix(_CLASSIFIER) for one in classifiers if one.startswith(_CLASSIFIER)]
    if not any(stated):
        stated = (metadata.get("License") or "").strip().splitlines()[:1]
    bundled = [
        name
        for file in package.files or ()
        if ".dist-info/" in str(file) and re.search("licen|copying", str(file), re.IGNORECASE)
        for name in _named_licences(Path(str(package.locate_file(file))))
    ]
    return [name[:_LONGEST_NAME] for name in dict.fromkeys([*stated, *bundled]) if name]


def _named_licences(path: Path) -> list[str]:
    """Return the licences that a file names on lines `License: …`, as Debian's copyright files do."""
    text = path.read_text(errors="replace") if path.is_file() else ""
    return sorted(set(re.findall(r"(?m)^License:[ \t]*(\S.*?)\s*$", text)))


def _component(name: str, version: str, purl: str, licences: list[str]) -> Component:
    found = {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}
    return found | ({"licenses": [{"license": {"name": one}} for one in licences]} if licences else {})


def _read_system(root: Path) -> str:
    """Return the distribution's name: `debian`, `ubuntu`."""
    release = root / "usr/lib/os-release"
    found = re.search(r'(?m)^ID="?(\w+)', release.read_text() if release.is_file() else "")
    return found[1] if found else "debian"


if __name__ == "__main__":
    main()
