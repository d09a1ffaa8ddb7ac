"""Draw the PNG icons that some systems want from the page's SVG icons: `python -m tests.detector_app.draw_icons`.

Needs Debian's chromium and Playwright, which come with the tests.
"""

from __future__ import annotations

import io
import shutil
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

PAGE = Path(__file__).parents[2] / "detector_app" / "page"
COLORS = 32  # of a flat drawing with soft edges; a sixth of the bytes
# Of each PNG: the drawing, and the side in pixels. Apple rounds the corners itself, so that its icon has none.
ICONS = {
    "192.png": ("favicon.svg", 192),
    "512.png": ("favicon.svg", 512),
    "maskable-512.png": ("icons/maskable.svg", 512),
    "apple-180.png": ("icons/maskable.svg", 180),
}


def draw(page: Page, drawing: Path, side: int) -> bytes:
    """Return a drawing as a PNG of `side` x `side` pixels, transparent where it is empty."""
    page.set_viewport_size({"width": side, "height": side})
    page.set_content(f"<style>body {{ margin: 0 }} svg {{ display: block }}</style>{drawing.read_text()}")
    shot = Image.open(io.BytesIO(page.screenshot(omit_background=True)))
    file = io.BytesIO()
    shot.quantize(COLORS, Image.Quantize.FASTOCTREE).save(file, "PNG", optimize=True)
    return file.getvalue()


def main() -> None:
    """Write the icons beside their drawings."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page()
        for name, (drawing, side) in ICONS.items():
            (PAGE / "icons" / name).write_bytes(draw(page, PAGE / drawing, side))
        browser.close()


if __name__ == "__main__":
    main()
