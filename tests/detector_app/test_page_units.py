"""The page's pure parts, run in the browser that they are for."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page

from model_serving.photos import Geometry, read_pixels


@pytest.fixture
def run(page: Page) -> Callable[..., Any]:
    """Return a function that calls what a module of the page exports."""
    page.goto("/")

    def call(module: str, code: str, argument: Any = None) -> Any:
        return page.evaluate(
            f"async (argument) => {{ const module = await import('/js/{module}.js'); {code} }}", argument
        )

    return call


def answer(*guesses: tuple[str, float], dog: float | None = 0.9) -> dict[str, Any]:
    return {
        "guesses": [{"breed": breed, "confidence": confidence} for breed, confidence in guesses],
        "isDog": None if dog is None else dog >= 0.5,
        "dogProbability": dog,
        "model": {"name": "dog_breed", "version": "1"},
        "familiarity": None,
        "heatmap": None,
    }


def test_average_counts_a_breed_that_is_not_told_as_nothing(run: Callable[..., Any]) -> None:
    """The mean of answers is of all photos, and keeps the five likeliest breeds."""
    answers = [
        answer(("Akita", 0.5), ("Pug", 0.4), ("Chow", 0.1)),
        answer(("Pug", 0.6), ("Saluki", 0.2), ("Briard", 0.1), ("Borzoi", 0.05)),
    ]
    mean = run("photos/entries", "return module.average(argument)", answers)
    assert [(guess["breed"], round(guess["confidence"], 3)) for guess in mean["guesses"]] == [
        ("Pug", 0.5),
        ("Akita", 0.25),
        ("Saluki", 0.1),
        ("Chow", 0.05),
        ("Briard", 0.05),
    ]


@pytest.mark.parametrize(
    ("dogs", "threshold", "is_dog"),
    [((0.9, 0.3), 0.5, True), ((0.9, 0.3), 0.7, False), ((None, None), 0.5, None), ((None, 0.2), 0.5, False)],
)
def test_average_asks_the_models_threshold_whether_it_is_a_dog(
    run: Callable[..., Any], dogs: tuple[float | None, ...], threshold: float, is_dog: bool | None
) -> None:
    """Photos of one dog are a dog if their mean is; a model that cannot tell is not counted."""
    answers = [answer(("Akita", 0.5), dog=dog) for dog in dogs]
    assert run("photos/entries", f"return module.average(argument, {threshold}).isDog", answers) is is_dog


@pytest.mark.parametrize(
    ("shares", "expected"),
    [
        ({"a1": 0.3, "b1": 0.25, "a2": 0.25}, "a"),
        ({"a1": 0.3, "b1": 0.25, "a2": 0.1}, None),
        ({"b1": 0.3, "a1": 0.28, "a2": 0.27}, "a"),
        ({"x": 0.45, "y": 0.45}, None),
    ],
)
def test_group_is_said_only_if_it_holds_the_probability(
    run: Callable[..., Any], shares: dict[str, float], expected: str | None
) -> None:
    """A group that is sure together is named, whether or not it has the first breed; breeds of no group make none."""
    code = """const groupsOf = (breed) => [/[ab]/.exec(breed)?.[0] ?? null];
        return module.likelyGroup(argument, groupsOf, { sure: 0.5 })?.group ?? null;"""
    assert run("answers/certainty", code, answer(*shares.items())) == expected


def test_rate_is_of_the_last_seconds(run: Callable[..., Any]) -> None:
    """A rate is told from five photos on, of the last ten seconds alone, and falls while nothing comes."""
    code = """const rate = new module.Rate();
        const told = [];
        for (let now = 0; now <= 2000; now += 500) { told.push(rate.perSecond(now)); rate.note(now); }
        told.push(rate.perSecond(2000), rate.perSecond(8000), rate.perSecond(13000));
        return told;"""
    assert run("widgets/progress", code) == [None] * 5 + [2, 0.5, None]


def test_strip_jpeg_that_is_none_gives_nothing(run: Callable[..., Any]) -> None:
    """Bytes that are no whole JPEG are left to the browser's own decoder."""
    code = "return argument.map((bytes) => module.withoutMetadata(new Uint8Array(bytes)))"
    cases = [[], [0xFF], [0xFF, 0xD8], [0x89, 0x50, 0x4E, 0x47], [0xFF, 0xD8, 0xFF, 0xE0, 0, 0], [0xFF, 0xD8, 1, 2, 3]]
    assert run("photos/metadata", code, cases) == [None] * len(cases)


@pytest.mark.parametrize(
    ("size", "box", "side"),
    [
        ((64, 48), (9.5, 3.25, 51.0, 44.75), 12),  # smaller, with fractions of pixels
        ((64, 48), (0, 0, 48, 48), 7),  # to the picture's edges
        ((30, 20), (5.7, 3.3, 19.0, 16.6), 29),  # larger
        ((24, 24), (0, 0, 24, 24), 24),
    ],
)
def test_resize_is_that_of_the_gateway(
    run: Callable[..., Any], size: tuple[int, int], box: tuple[float, float, float, float], side: int
) -> None:
    """A square part of a picture, smaller or larger, has the levels that Pillow gives it, but for rounding."""
    pixels = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), np.uint8)
    expected = np.asarray(Image.fromarray(pixels).resize((side, side), Image.Resampling.BICUBIC, box=box), int)
    data = np.dstack([pixels, np.full(size[::-1], 255)]).ravel().tolist()
    code = """const [data, [width, height], box, side] = argument;
        return Array.from(module.resize({ data: new Uint8ClampedArray(data), width, height }, box, side));"""
    seen = np.array(run("device/resize", code, [data, size, box, side])).reshape(side, side, 3)
    assert np.abs(seen - expected).max() <= 1
    assert np.mean(seen != expected) < 0.01


@pytest.mark.parametrize("orientation", [1, 6])
def test_pixels_are_upright_and_of_the_central_square(
    run: Callable[..., Any], photo: Callable[..., Any], orientation: int
) -> None:
    """From a file come the pixels that the gateway makes of it, turned as it is to be seen."""
    file = photo(width=331, height=240, orientation=orientation)["buffer"]
    expected = np.asarray(read_pixels(file, Geometry(40, 0.87)), int)
    code = """const blob = new Blob([new Uint8Array(argument)], { type: "image/jpeg" });
        return Array.from(await module.pixelsOf(blob, { crop: 0.87, size: 40 }));"""
    seen = np.array(run("device/pixels", code, list(file))).reshape(40, 40, 3)
    assert np.abs(seen - expected).mean() < 0.5
