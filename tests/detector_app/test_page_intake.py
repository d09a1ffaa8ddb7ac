"""Every way in which photos come to the page."""

import base64
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Page, expect


def test_choose_photo_shows_answer(page: Page, photo: Callable[..., Any]) -> None:
    """A chosen photo gets a card with its breed, the top five with their shares, and the model that answered."""
    page.goto("/")
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose photos").click()
    chooser.value.set_files([photo("rex.jpg")])
    card = page.locator(".card")
    expect(card.get_by_role("heading")).to_have_text("Akita")
    expect(card.locator(".remark")).to_have_text("90% sure")
    expect(card.locator(".guess-breed")).to_have_text(["Beagle", "Borzoi", "Briard", "Kuvasz"])
    expect(card.locator(".guess-share")).to_have_text(["2%", "2%", "2%", "2%"])
    expect(card.locator(".model")).to_have_text("dog_breed, version 3")
    expect(card.locator(".file")).to_have_text("rex.jpg")


def test_choose_another_photo_of_the_same_name_reads_it(page: Page, photo: Callable[..., Any]) -> None:
    """A file that was written at another time is another photo."""
    page.goto("/")
    for count in (1, 2):
        page.set_input_files("#photos", [photo()])
        expect(page.locator("[data-status=read]")).to_have_count(count)


@pytest.fixture
def folder(tmp_path: Path, photo: Callable[..., Any]) -> Path:
    """Return a folder with three photos on two levels, a text, and a hidden file."""
    inside = tmp_path / "Dogs" / "more"
    inside.mkdir(parents=True)
    for path in (inside / "a.jpg", inside / "b.JPG", inside.parent / "c.jpg", inside / "._a.jpg"):
        path.write_bytes(photo()["buffer"])
    (inside.parent / "notes.txt").write_text("no photo")
    return inside.parent


def test_choose_folder_reads_its_photos(page: Page, folder: Path) -> None:
    """All photos of a folder and its folders are read; what is no photo is left out, and said so."""
    page.goto("/")
    page.set_input_files("#folder", folder)
    expect(page.locator("[data-status=read]")).to_have_count(3)
    expect(page.locator("#left-out")).to_have_text("One file was left out: it is not a photo.")


def drop(page: Page, *paths: Path) -> None:
    """Drop files on the page as the system does: folders, too."""
    session = page.context.new_cdp_session(page)
    data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        if kind == "drop":
            expect(page.locator(".drop-veil")).to_be_visible()
        session.send("Input.dispatchDragEvent", {"type": kind, "x": 5, "y": 500, "data": data})
    expect(page.locator(".drop-veil")).to_be_hidden()


def test_drop_photo_anywhere_reads_it(page: Page, folder: Path) -> None:
    """A photo can be dropped on any place of the page, which shows that it takes it."""
    page.goto("/")
    drop(page, folder / "c.jpg")
    expect(page.locator("[data-status=read] .file")).to_have_text("c.jpg")


def test_drop_folder_reads_its_photos(page: Page, folder: Path) -> None:
    """A dropped folder is as good as a chosen one."""
    page.goto("/")
    drop(page, folder)
    expect(page.locator("[data-status=read]")).to_have_count(3)


def test_paste_photo_reads_it(page: Page, photo: Callable[..., Any]) -> None:
    """A photo on the clipboard can be pasted."""
    page.goto("/")
    page.evaluate(
        """async (encoded) => {
            const blob = await new Response(Uint8Array.from(atob(encoded), (letter) => letter.charCodeAt())).blob();
            const clipboardData = new DataTransfer();
            clipboardData.items.add(new File([blob], "image.png", { type: "image/png" }));
            document.body.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true }));
        }""",
        base64.b64encode(photo()["buffer"]).decode(),
    )
    expect(page.locator("[data-status=read] .file")).to_have_text("image.png")


def test_try_drawing_reads_it(page: Page, gateway: Any) -> None:
    """A person without a photo tries a drawing, which is sent as a photo would be and named for what it is."""
    page.goto("/")
    page.get_by_role("button", name="Drawing of a hound").click()
    expect(page.locator("[data-status=read] .file")).to_have_text("Drawing of a hound.jpg")
    ((_, sent),) = gateway.photos
    assert Image.open(io.BytesIO(sent)).size == (640, 640)
    expect(page.locator(".samples")).to_be_hidden()


def test_take_photo_is_offered_where_a_camera_is_at_hand(
    open_page: Callable[..., Page], photo: Callable[..., Any]
) -> None:
    """A phone's camera is one press away; a desktop has no such button."""
    expect(opened(open_page()).get_by_role("button", name="Take a photo")).to_be_hidden()
    page = opened(open_page(is_mobile=True, has_touch=True, viewport={"width": 390, "height": 844}))
    expect(page.locator("#camera")).to_have_attribute("capture", "environment")
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Take a photo").tap()
    chooser.value.set_files([photo("camera.jpg")])
    expect(page.locator("[data-status=read] .file")).to_have_text("camera.jpg")


def opened(page: Page) -> Page:
    page.goto("/")
    return page


def test_read_photo_again_that_is_gone_meanwhile_says_so(
    page: Page, gateway: Any, tmp_path: Path, photo: Callable[..., Any]
) -> None:
    """A file that was moved after it was chosen is missed in words, not taken for a fault of the network."""
    path = tmp_path / "dog.jpg"
    path.write_bytes(photo()["buffer"])
    gateway.replies["dog.jpg"] = [gateway.problem(504, "deadline")]
    page.goto("/")
    page.set_input_files("#photos", path)
    expect(page.locator("[data-status=failed] .remark")).to_contain_text("took too long")
    path.unlink()
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("[data-status=failed] .remark")).to_have_text(
        "This file is no longer where it was. Please choose it again."
    )


def test_cancel_photo_that_is_gone_meanwhile_leaves_the_page_alive(
    page: Page, gateway: Any, tmp_path: Path, photo: Callable[..., Any], eventually: Callable[..., None]
) -> None:
    """A file that is neither shown nor there any more is looked for once, and other photos are read."""
    paths = [tmp_path / f"{number}.jpg" for number in range(20)]
    for path in paths:
        path.write_bytes(photo()["buffer"])
    gates = [gateway.hold(f"{number}.jpg") for number in range(3)]
    page.goto("/")
    page.set_input_files("#photos", paths)
    eventually(lambda: len(gateway.photos) == 3)
    for path in paths:
        path.unlink()
    page.get_by_role("button", name="Cancel").click()
    for gate in gates:
        gate.set()
    page.set_input_files("#photos", [photo("new.jpg")])
    expect(page.locator("[data-status=read] .file")).to_have_text("new.jpg")


def test_choose_no_photo_says_so(page: Page) -> None:
    """Files that are no photos are not sent; the page says what to choose instead."""
    page.goto("/")
    page.set_input_files("#photos", [{"name": "notes.txt", "mimeType": "text/plain", "buffer": b"no photo"}])
    expect(page.locator("#left-out")).to_contain_text("Please choose JPEG, PNG or WebP files.")
    expect(page.locator(".card")).to_have_count(0)


def test_choose_photo_browser_cannot_show_still_sends_it(page: Page, gateway: Any) -> None:
    """A photo of a type that only the gateway reads is read all the same."""
    page.goto("/")
    page.set_input_files("#photos", [{"name": "scan.tiff", "mimeType": "", "buffer": b"II*\0"}])
    expect(page.locator("[data-status=read]")).to_have_count(1)
    expect(page.locator(".photo img")).to_be_hidden()
    assert [name for name, _ in gateway.photos] == ["scan.tiff"]
