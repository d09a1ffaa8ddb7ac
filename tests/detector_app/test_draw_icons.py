"""The icons for systems that take no SVG."""

import io

import pytest
from PIL import Image, ImageChops, ImageStat
from playwright.sync_api import Browser

from tests.detector_app.draw_icons import ICONS, PAGE, draw


@pytest.mark.parametrize("name", ICONS)
def test_icon_shows_its_drawing(browser: Browser, name: str) -> None:
    """Each PNG is what its SVG looks like today, but for how browsers differ at the edges."""
    drawing, side = ICONS[name]
    page = browser.new_page()
    drawn = Image.open(io.BytesIO(draw(page, PAGE / drawing, side))).convert("RGBA")
    page.close()
    stored = Image.open(PAGE / "icons" / name).convert("RGBA")
    assert stored.size == (side, side)
    assert max(ImageStat.Stat(ImageChops.difference(drawn, stored)).mean) < 2  # of 255 levels
