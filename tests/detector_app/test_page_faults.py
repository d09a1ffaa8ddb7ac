"""Failures on the page: each a sentence that says what to do, and nothing chosen is lost."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

AGAIN = "Try again"


@pytest.mark.parametrize(
    ("status", "code", "headers", "sentence", "retry"),
    [
        (400, "no_image", {}, "The photo was not accepted. Please choose it again.", True),
        (413, "too_large", {}, "This photo is too large. Please choose a smaller version of it.", False),
        (415, "unsupported_type", {}, "Please choose a JPEG, PNG or WebP.", False),
        (422, "damaged_image", {}, "This photo is damaged or incomplete. Please save or download it again", False),
        (429, "rate_limited", {"Retry-After": "60"}, "Please try again in 60 seconds.", True),
        (500, "internal_error", {}, "Something went wrong here. Please try again", True),
        (502, "model_error", {}, "makes no sense. Please try again.", True),
        (503, "model_unavailable", {}, "The model is not ready. Please try again in 5 seconds.", True),
        (504, "deadline", {}, "The answer took too long. Please try again.", True),
    ],
)
def test_read_refused_photo_says_what_to_do(
    page: Page,
    gateway: Any,
    photo: Callable[..., Any],
    status: int,
    code: str,
    headers: dict[str, str],
    sentence: str,
    retry: bool,
) -> None:
    """Each error is a sentence with what to do; a second try is offered where it may help, and then helps."""
    gateway.replies["dog.jpg"] = [gateway.problem(status, code, headers), gateway.answer("Kuvasz")]
    page.goto("/")
    page.set_input_files("#photos", [photo()])
    expect(page.locator("[data-status=failed] .remark")).to_contain_text(sentence)
    button = page.get_by_role("button", name=AGAIN)
    expect(button).to_have_count(int(retry))
    if retry:
        button.click()
        # Where the service said how long it is away, no sooner.
        expect(page.locator("[data-status=read] .headline")).to_have_text("Kuvasz", timeout=15_000)


@pytest.mark.parametrize(("status", "code"), [(503, "overloaded"), (429, "rate_limited")])
def test_read_photos_of_a_busy_service_go_on_by_themselves(
    page: Page, gateway: Any, photo: Callable[..., Any], status: int, code: str
) -> None:
    """Photos that are refused for now wait as long as they are told, and are then read without a click."""
    busy = gateway.problem(status, code, {"Retry-After": "1"})
    for name in ("b.jpg", "c.jpg"):
        gateway.replies[name] = [busy, gateway.answer("Kuvasz")]
    page.goto("/")
    page.set_input_files("#photos", [photo(name) for name in ("a.jpg", "b.jpg", "c.jpg", "d.jpg")])
    expect(page.locator("[data-status=read]")).to_have_count(4)
    assert sorted(name for name, _ in gateway.photos) == ["a.jpg", "b.jpg", "b.jpg", "c.jpg", "c.jpg", "d.jpg"]


def test_read_photo_of_a_service_that_stays_busy_says_so_in_the_end(
    page: Page, gateway: Any, photo: Callable[..., Any]
) -> None:
    """A photo is sent again a few times and no more; then its person is asked, and may begin anew."""
    gateway.replies["dog.jpg"] = [gateway.problem(503, "overloaded", {"Retry-After": "1"})]
    page.goto("/")
    page.set_input_files("#photos", [photo()])
    expect(page.locator("[data-status=failed] .remark")).to_have_text(
        "Too many photos at once just now. Please try again in 1 second.", timeout=60_000
    )
    assert len(gateway.photos) == 6
    gateway.replies["dog.jpg"] = [gateway.answer("Kuvasz")]
    page.get_by_role("button", name=AGAIN).click()
    expect(page.locator("[data-status=read] .headline")).to_have_text("Kuvasz")


def test_read_photo_over_nginx_limit_says_too_large(page: Page, tmp_path: Path) -> None:
    """A photo that nginx refuses is refused in the same words, while it is still being sent."""
    (tmp_path / "large.jpg").write_bytes(b"x" * (100 * 2**20))
    page.goto("/")
    page.set_input_files("#photos", tmp_path / "large.jpg")
    expect(page.locator("[data-status=failed] .remark")).to_contain_text("This photo is too large.")


def test_read_photos_offline_says_so_and_reads_them_later(page: Page, gateway: Any, photo: Callable[..., Any]) -> None:
    """Without a connection one photo says so and the others wait; all are read by themselves once there is one."""
    page.goto("/")
    expect(page.locator("#about-model")).not_to_be_empty()
    gate = gateway.hold("a.jpg")
    page.set_input_files("#photos", [photo("a.jpg")])
    expect(page.locator("[data-status=reading]")).to_have_count(1)
    page.context.set_offline(True)
    page.set_input_files("#photos", [photo(f"{number}.jpg") for number in range(9)])
    expect(page.locator("[data-status=failed] .remark").first).to_have_text(
        "You are offline. Please connect, then try again."
    )
    expect(page.locator("#readiness")).to_have_text(
        "You are offline. This page goes on by itself as soon as you are connected."
    )
    assert page.locator("[data-status=waiting]").count() > 0
    page.context.set_offline(False)
    gate.set()
    expect(page.locator("#progress-text")).to_have_text("10 of 10 read", timeout=15_000)
    expect(page.locator("#readiness")).to_be_hidden()


def test_read_photos_while_gateway_is_away_goes_on_when_it_is_back(
    page: Page, gateway: Any, photo: Callable[..., Any]
) -> None:
    """If the model goes while hundreds are read, what is left waits for it instead of failing one by one."""
    page.goto("/")
    expect(page.locator("#about-model")).not_to_be_empty()
    gateway.ready = False
    away = gateway.problem(503, "model_unavailable", {"Retry-After": "1"})
    for number in range(30):
        gateway.replies[f"{number}.jpg"] = [away]
    page.set_input_files("#photos", [photo(f"{number}.jpg", 32, 24) for number in range(30)])
    expect(page.locator("#readiness")).to_contain_text("The model is still loading.")
    assert page.locator("[data-status=failed]").count() <= 3
    assert page.locator("[data-status=waiting]").count() >= 27
    gateway.replies.clear()
    gateway.ready = True
    expect(page.locator("#progress-text")).to_have_text("30 of 30 read", timeout=15_000)


@pytest.mark.parametrize("query", ["", "?client=rest"])
def test_open_page_while_model_loads_goes_on_when_ready(
    page: Page, gateway: Any, photo: Callable[..., Any], query: str
) -> None:
    """While the model loads the page says so, takes photos, and reads them by itself when it is ready."""
    gateway.ready = False
    page.goto(f"/{query}")
    expect(page.locator("#readiness")).to_contain_text("The model is still loading.")
    page.set_input_files("#photos", [photo()])
    expect(page.locator("[data-status=waiting]")).to_have_count(1)
    gateway.ready = True
    expect(page.locator("[data-status=read]")).to_have_count(1)
    expect(page.locator("#readiness")).to_be_hidden()


def test_open_page_before_dead_gateway_says_so(
    open_page: Callable[..., Page], start_nginx: Callable[..., str], dead_address: str
) -> None:
    """If nothing answers behind nginx, the page says that it keeps trying."""
    page = open_page(start_nginx(gateway=dead_address, serving=dead_address))
    page.goto("/")
    expect(page.locator("#readiness")).to_contain_text("The service does not answer yet. This page keeps trying")


def test_open_page_with_odd_model_card_still_reads(page: Page, photo: Callable[..., Any]) -> None:
    """A model card of another shape costs the footer's line, not the answers."""
    page.route("**/api/v1/model", lambda route: route.fulfill(json={"name": "dog_breed", "card": {"breeds": 7}}))
    page.goto("/")
    page.set_input_files("#photos", [photo()])
    expect(page.locator("[data-status=read] .headline")).to_have_text("Akita")
    expect(page.locator("#about-model")).to_be_empty()
