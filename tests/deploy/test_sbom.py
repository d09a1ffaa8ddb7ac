"""The bill of materials, of small trees and of this machine itself."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from deploy import sbom

SCRIPT = Path(sbom.__file__)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return an image's root with one package of the system, one half removed, one of Python and one of npm."""
    files = {
        "usr/lib/os-release": 'NAME="Ubuntu"\nID=ubuntu\nID_LIKE=debian\n',
        "var/lib/dpkg/status": (
            "Package: zlib1g\nStatus: install ok installed\nArchitecture: amd64\nDescription: compression\n more\n"
            "Version: 1:1.2.13+dfsg-1\n\nPackage: gone\nStatus: deinstall ok config-files\nVersion: 1\n"
        ),
        "usr/share/doc/zlib1g/copyright": "Files: *\nLicense: Zlib\n Text\n\nFiles: b\nLicense: GPL-2+\n",
        "usr/local/lib/python3.11/site-packages/My_Lib-2.0.dist-info/METADATA": (
            "Metadata-Version: 2.4\nName: My_Lib\nVersion: 2.0\nLicense-Expression: MIT OR Apache-2.0\n"
        ),
        "usr/local/lib/python3.11/site-packages/My_Lib-2.0.dist-info/licenses/BUNDLED_LICENSES": "License: LGPLv3\n",
        "usr/local/lib/python3.11/site-packages/My_Lib-2.0.dist-info/RECORD": (
            "My_Lib-2.0.dist-info/METADATA,,\nMy_Lib-2.0.dist-info/licenses/BUNDLED_LICENSES,,\n"
        ),
        "usr/share/nginx/page/engine/package.json": '{"name": "@us/core", "version": "1.2.0", "license": "ISC"}',
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_list_tree_names_packages_and_licences(root: Path) -> None:
    """Installed packages alone are listed, by the address that vulnerability scanners know, with every licence."""
    components = sbom.bill_of_materials(root, "image")["components"]
    assert [(one["purl"], [each["license"]["name"] for each in one["licenses"]]) for one in components] == [
        ("pkg:deb/ubuntu/zlib1g@1%3A1.2.13%2Bdfsg-1?arch=amd64", ["GPL-2+", "Zlib"]),
        ("pkg:npm/%40us/core@1.2.0", ["ISC"]),
        ("pkg:pypi/my-lib@2.0", ["MIT OR Apache-2.0", "LGPLv3"]),
    ]


def test_list_empty_tree_is_empty(tmp_path: Path) -> None:
    """A root without packages has an empty list, not an error."""
    assert sbom.bill_of_materials(tmp_path, "image")["components"] == []


def test_list_this_machine_agrees_with_dpkg(require: Callable[[object, str], None]) -> None:
    """The script alone, without the project, lists the packages and versions that dpkg does."""
    require(shutil.which("dpkg-query"), "a system with dpkg")
    command = [sys.executable, "-I", "-S", str(SCRIPT), "/", "this-machine"]
    bill = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    query = ["dpkg-query", "-W", "-f", "${db:Status-Status} ${Package} ${Version}\\n"]
    rows = [
        line.split() for line in subprocess.run(query, capture_output=True, text=True, check=True).stdout.splitlines()
    ]
    expected = {(name, version) for status, name, version in rows if status == "installed"}
    assert {(one["name"], one["version"]) for one in bill["components"] if "pkg:deb" in one["purl"]} == expected
    assert bill["metadata"]["component"] == {"type": "container", "name": "this-machine"}
