"""The browser that benchmarks measure."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.chromium import chromium_at


def test_browser_takes_files_and_names_faults(tmp_path: Path, require: Callable[[object, str], None]) -> None:
    """A page is opened and handed a file as by a person; what goes wrong in it, or never comes, is an error here."""
    require(shutil.which("chromium"), "Debian's chromium")
    page = tmp_path / "page.html"
    page.write_text("<input type=file multiple>")
    (tmp_path / "dog.jpg").write_bytes(b"photo")
    with chromium_at(page.as_uri()) as tab:
        tab.wait_for("document.querySelector('input') !== null", 10)
        tab.choose_files("input", [tmp_path / "dog.jpg"])
        assert tab.evaluate("document.querySelector('input').files[0].text()") == "photo"
        with pytest.raises(RuntimeError, match="missing is not defined"):
            tab.evaluate("missing")
        with pytest.raises(RuntimeError, match="wasn't found"):
            tab.send("Runtime.unheardOf")
        with pytest.raises(TimeoutError, match="not within 0 s: false"):
            tab.wait_for("false", 0)
