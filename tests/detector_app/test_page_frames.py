"""The frame round a dog: seen on the whole photo, moved, drawn, and read again."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

BOX = [0.5, 0.25, 0.25, 0.5]  # left, top, width, height
Place = tuple[float, float]


@pytest.fixture
def show(gateway: Any, photo: Callable[..., Any]) -> Callable[..., Locator]:
    """Return a function that reads a photo of which the gateway judged `box`, and returns the frame."""

    def read(page: Page, box: list[float] | None = BOX, size: tuple[int, int] = (800, 400), **more: Any) -> Locator:
        gateway.replies["dog.jpg"] = [gateway.answer(box=box, search="done", **more), gateway.answer("Beagle", 0.8)]
        page.goto("/")
        page.set_input_files("#photos", [photo(width=size[0], height=size[1])])
        expect(page.locator("[data-status=read]")).to_have_count(1)
        page.locator(".frame-tools button:visible").first.wait_for()
        return page.locator(".frame")

    return read


def box_of(frame: Locator) -> list[float]:
    """Return a frame's box as it is seen: fractions of the photo."""
    seen, photo = frame.bounding_box(), frame.page.locator(".stage").bounding_box()
    assert seen
    assert photo
    left, top = (seen["x"] - photo["x"]) / photo["width"], (seen["y"] - photo["y"]) / photo["height"]
    return [round(value, 2) for value in (left, top, seen["width"] / photo["width"], seen["height"] / photo["height"])]


def place_on(page: Page, x: float, y: float) -> Place:
    """Return where on the screen a place of the photo is, given as fractions."""
    photo = page.locator(".stage").bounding_box()
    assert photo
    return photo["x"] + x * photo["width"], photo["y"] + y * photo["height"]


def drag_by_mouse(page: Page, start: Place, end: Place) -> None:
    """Drag with the left button."""
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
    page.mouse.move(*end)
    page.mouse.up()


def drag_by_finger(page: Page, start: Place, end: Place) -> None:
    """Draw one finger over the page, and let it rest before it is lifted: the page would scroll on else."""
    session = page.context.new_cdp_session(page)
    steps = [
        (start[0] + (end[0] - start[0]) * step / 10, start[1] + (end[1] - start[1]) * step / 10) for step in range(11)
    ]
    for kind, (x, y) in zip(["touchStart"] + ["touchMove"] * 10, steps, strict=True):
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y}]})
    page.wait_for_timeout(200)
    for kind, points in [("touchMove", [{"x": end[0], "y": end[1]}]), ("touchEnd", [])]:
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    page.wait_for_timeout(400)  # a tap right after it would count as the second of a double tap
    session.detach()


def sent_last(gateway: Any) -> Image.Image:
    """Return the picture that was sent last."""
    return Image.open(io.BytesIO(gateway.photos[-1][1])).convert("RGB")


def is_near(value: Any) -> Any:
    """Return what equals a box to within a pixel or two."""
    return pytest.approx(value, abs=0.015)


@pytest.mark.parametrize("width", [390, 1280])
def test_show_photo_whole_with_frame(open_page: Callable[..., Page], show: Callable[..., Locator], width: int) -> None:
    """The photo is seen whole, in its own proportions, and the frame lies on the part that was judged."""
    page = open_page(viewport={"width": width, "height": 844})
    frame = show(page)
    stage = page.locator(".stage").bounding_box()
    assert stage
    assert stage["width"] / stage["height"] == pytest.approx(2, abs=0.02)
    assert box_of(frame) == is_near(BOX)
    expect(frame).to_have_attribute("aria-label", "Frame 1: Akita")


def test_show_photo_with_no_dog_has_no_frame_until_one_is_drawn(
    page: Page, gateway: Any, show: Callable[..., Locator]
) -> None:
    """A photo without a dog has no frame; the part that a person draws takes the answer's place."""
    frame = show(page, [0.25, 0, 0.5, 1], is_dog=False)
    expect(frame).to_have_count(0)
    expect(page.get_by_role("button", name="Find all dogs")).to_be_hidden()  # all was searched
    drag_by_mouse(page, place_on(page, 0.6, 0.2), place_on(page, 0.8, 0.6))
    assert box_of(frame) == is_near([0.6, 0.2, 0.2, 0.4])
    page.get_by_role("button", name="Read this part").click()
    expect(page.locator(".headline")).to_have_text("Beagle")
    expect(page.get_by_role("tab")).to_have_count(0)
    assert box_of(frame) == is_near([0.6, 0.2, 0.2, 0.4])


def test_move_frame_by_mouse(page: Page, show: Callable[..., Locator]) -> None:
    """A frame follows the mouse, and stays inside the photo."""
    frame = show(page)
    drag_by_mouse(page, place_on(page, 0.6, 0.5), place_on(page, 0.4, 0.4))
    assert box_of(frame) == is_near([0.3, 0.15, 0.25, 0.5])
    drag_by_mouse(page, place_on(page, 0.4, 0.4), place_on(page, -0.5, 1.5))
    assert box_of(frame) == is_near([0, 0.5, 0.25, 0.5])


@pytest.mark.parametrize(
    ("corner", "to", "expected"),
    [
        ((0.5, 0.25), (0.3, 0.05), [0.3, 0.05, 0.45, 0.7]),
        ((0.75, 0.75), (2, 2), [0.5, 0.25, 0.5, 0.75]),
        ((0.75, 0.25), (0.1, 0.9), [0.5, 0.73, 0.02, 0.02]),
        ((0.5, 0.75), (0.6, 0.6), [0.6, 0.25, 0.15, 0.35]),
    ],
)
def test_resize_frame_by_mouse(
    page: Page, show: Callable[..., Locator], corner: Place, to: Place, expected: list[float]
) -> None:
    """Each corner moves its two edges: never beyond the photo, nor past the edge on the other side."""
    frame = show(page)
    drag_by_mouse(page, place_on(page, *corner), place_on(page, *to))
    assert box_of(frame) == is_near(expected)


def test_drag_frame_by_finger(open_page: Callable[..., Page], show: Callable[..., Locator]) -> None:
    """A finger drags a corner at once, and the frame once it was tapped; before, and beside it, it scrolls the page."""
    page = open_page(viewport={"width": 390, "height": 500}, has_touch=True, is_mobile=True)
    frame = show(page, size=(400, 400))
    drag_by_finger(page, place_on(page, 0.6, 0.6), place_on(page, 0.6, 0.1))
    page.wait_for_function("() => scrollY > 50")
    page.evaluate("scrollTo(0, 0)")
    assert box_of(frame) == is_near(BOX)
    frame.tap()
    drag_by_finger(page, place_on(page, 0.6, 0.5), place_on(page, 0.5, 0.6))
    assert box_of(frame) == is_near([0.4, 0.35, 0.25, 0.5])
    drag_by_finger(page, place_on(page, 0.4, 0.35), place_on(page, 0.2, 0.15))
    assert box_of(frame) == is_near([0.2, 0.15, 0.45, 0.7])
    assert page.evaluate("scrollY") == 0


def test_draw_new_frame_by_finger(open_page: Callable[..., Page], gateway: Any, show: Callable[..., Locator]) -> None:
    """A finger draws a frame once a new one was asked for."""
    page = open_page(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    frame = show(page, size=(400, 400))
    page.get_by_role("button", name="New frame").tap()
    expect(frame).to_have_count(2)
    drag_by_finger(page, place_on(page, 0.05, 0.05), place_on(page, 0.22, 0.9))
    assert box_of(frame.nth(1)) == is_near([0.05, 0.05, 0.17, 0.85])
    page.get_by_role("button", name="Read this part").tap()
    expect(page.get_by_role("tab")).to_have_text(["1Akita", "2Beagle"])
    expect(page.get_by_role("tab", name="Beagle")).to_have_attribute("aria-selected", "true")


def test_use_frame_by_keyboard(page: Page, gateway: Any, show: Callable[..., Locator]) -> None:
    """Arrow keys move a frame, with Shift they resize it, Escape puts it back, Enter reads it; it says where it is."""
    frame = show(page)
    frame.focus()
    expect(frame).to_have_accessible_description(
        "The arrow keys move the frame, with Shift they change its size. "
        "Enter reads this part, Escape puts the frame back, Delete removes it."
    )
    for key in ["ArrowLeft"] * 5 + ["ArrowUp"] * 5 + ["Shift+ArrowRight"] * 10 + ["Shift+ArrowUp"] * 5:
        page.keyboard.press(key)
    assert box_of(frame) == is_near([0.4, 0.15, 0.45, 0.4])
    expect(page.get_by_text("40% from the left, 15% from the top, 45% wide, 40% high")).to_have_attribute(
        "role", "status"
    )
    page.keyboard.press("Escape")
    assert box_of(frame) == is_near(BOX)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator(".headline")).to_have_text("Beagle")
    expect(frame).to_be_focused()
    assert box_of(frame) == is_near([0.5, 0.27, 0.25, 0.5])
    assert len(gateway.photos) == 2


@pytest.mark.parametrize("way", ["tools", "keys"])
def test_new_frame_can_be_dropped(page: Page, gateway: Any, show: Callable[..., Locator], way: str) -> None:
    """A frame that was not read yet goes at a press, the focus stays on the page's one, and nothing was sent."""
    frame = show(page)
    page.get_by_role("button", name="New frame").press("Enter")
    expect(frame.nth(1)).to_be_focused()
    if way == "tools":
        page.get_by_role("button", name="Put it back").press("Enter")
    else:
        page.keyboard.press("Delete")
    expect(frame).to_have_count(1)
    expect(frame).to_be_focused()
    assert len(gateway.photos) == 1


def test_read_part_sends_that_part_alone(page: Page, gateway: Any, show: Callable[..., Locator]) -> None:
    """The square round the frame is sent, cut from the file with all its pixels; the model sees just that."""
    show(page, [0.5, 0, 0.25, 0.5], size=(4000, 2000))  # red on the left, blue on the right
    page.locator(".frame").press("ArrowRight")
    page.get_by_role("button", name="Read this part").click()
    expect(page.locator(".headline")).to_have_text("Beagle")
    assert gateway.queries == [{"find": "auto"}, {"find": "no"}]
    sent = sent_last(gateway)
    # A frame of 1000 x 1000 pixels, of which the model sees the central 0.89 of 1124.
    assert sent.size == (1124, 1124)
    seen = [sent.getpixel((x, y)) for x in (65, 562, 1058) for y in (65, 562, 1058)]
    assert all(isinstance(colour, tuple) and colour[2] > 200 > colour[0] + 100 for colour in seen)


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_read_part_of_turned_photo_is_upright(
    page: Page, gateway: Any, photo: Callable[..., Any], orientation: int
) -> None:
    """Of a photo that the camera stored turned, the part is of the photo as it is seen."""
    page.goto("/")
    gateway.replies["dog.jpg"] = [gateway.answer(box=[0, 0, 0.3, 0.3], search="done")]
    page.set_input_files("#photos", [photo(width=400, height=200, orientation=orientation)])
    page.locator(".frame").press("ArrowDown")
    page.get_by_role("button", name="Read this part").click()
    expect(page.locator(".frame.draft")).to_have_count(0)
    red, _, blue = sent_last(gateway).resize((1, 1)).getpixel((0, 0))  # type: ignore[misc]
    # The stored left half is red; turned by 180 or counted from the other side, the first corner is blue.
    assert (red > blue) == (orientation in (1, 6))


@pytest.mark.parametrize("size", [(3000, 60), (60, 3000), (3, 2), (1, 1)], ids=str)
def test_frame_of_extreme_photo_can_be_read(
    page: Page, gateway: Any, show: Callable[..., Locator], size: tuple[int, int]
) -> None:
    """Panoramas, strips and photos of a few pixels have frames that can be moved and read as any other."""
    frame = show(page, [0.4, 0.1, 0.02, 0.8], size=size)
    stage = page.locator(".stage").bounding_box()
    assert stage
    assert stage["width"] / stage["height"] == pytest.approx(size[0] / size[1], rel=0.05)
    frame.press("Shift+ArrowRight")
    frame.press("Enter")
    expect(page.locator(".headline")).to_have_text("Beagle")
    sent = sent_last(gateway)
    assert sent.width == sent.height >= 1


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        ([0.9, 0.9, 0.5, 0.5], [0.9, 0.9, 0.1, 0.1]),
        ([-0.5, 0, 1, 1], [0, 0, 0.5, 1]),
        ([0.2, 0.2, 0, 0.5], [0.28, 0.06, 0.44, 0.89]),
        ([2, 2, 1, 1], [0.28, 0.06, 0.44, 0.89]),
        ([0.1, 0.1], [0.28, 0.06, 0.44, 0.89]),
        ("left", [0.28, 0.06, 0.44, 0.89]),
        (None, [0.28, 0.06, 0.44, 0.89]),
    ],
    ids=str,
)
def test_frame_of_odd_box_stays_on_the_photo(
    page: Page, show: Callable[..., Locator], box: Any, expected: list[float]
) -> None:
    """A box that sticks out is cut, and one that holds nothing is taken as none: the centre that a model sees."""
    assert box_of(show(page, box)) == is_near(expected)


def test_click_on_photo_draws_no_frame(page: Page, show: Callable[..., Locator]) -> None:
    """A click, or a frame of hardly a pixel, makes none."""
    frame = show(page)
    drag_by_mouse(page, place_on(page, 0.2, 0.2), place_on(page, 0.205, 0.9))
    page.mouse.click(*place_on(page, 0.1, 0.1))
    expect(frame).to_have_count(1)
    expect(page.get_by_role("button", name="Read this part")).to_be_hidden()


def test_read_part_failing_says_so_and_keeps_the_frame(page: Page, gateway: Any, show: Callable[..., Locator]) -> None:
    """If a part cannot be read, the answer and the frame stay, and the reason is said."""
    frame = show(page)
    gateway.replies["dog.jpg"] = [gateway.problem(429, "overloaded", {"Retry-After": "3"}), gateway.answer("Beagle")]
    frame.press("ArrowRight")
    page.get_by_role("button", name="Read this part").click()
    expect(page.locator(".frame-said")).to_have_text("Too many photos at once just now. Please try again in 3 seconds.")
    expect(page.locator(".headline")).to_have_text("Akita")
    assert box_of(frame) == is_near([0.52, 0.25, 0.25, 0.5])
    page.get_by_role("button", name="Read this part").click()
    expect(page.locator(".headline")).to_have_text("Beagle")
    expect(page.locator(".frame-said")).to_have_text("")


def test_explain_answer_lays_heat_into_the_frame(page: Page, gateway: Any, show: Callable[..., Locator]) -> None:
    """The heat map is shown inside the frame, asked for that part alone; the answer stays."""
    show(page)
    page.get_by_role("button", name="Show where it looked").click()
    canvas = page.locator(".photo canvas")
    expect(canvas).to_be_visible()
    assert gateway.queries[-1] == {"find": "no", "explain": "true"}
    expect(page.locator(".headline")).to_have_text("Akita")
    # 320 x 160: the frame begins at (160, 40) and is 80 wide and high; only the first of its 4 x 4 places is hot.
    alpha = "(canvas, [x, y]) => canvas.getContext('2d').getImageData(x, y, 1, 1).data[3]"
    assert canvas.evaluate(alpha, [166, 46]) > 150
    assert [canvas.evaluate(alpha, place) for place in ([155, 46], [166, 35], [230, 110])] == [0, 0, 0]


def test_show_photo_by_rest_client_frames_the_centre(page: Page, gateway: Any, photo: Callable[..., Any]) -> None:
    """Straight from TensorFlow Serving there is no search, but a frame round the centre, and parts that can be read."""
    page.goto("/?client=rest")
    page.set_input_files("#photos", [photo(width=800, height=400)])
    expect(page.locator("[data-status=read]")).to_have_count(1)
    frame = page.locator(".frame")
    assert box_of(frame) == is_near([0.28, 0.06, 0.44, 0.89])
    expect(page.get_by_role("button", name="Find all dogs")).to_be_hidden()
    frame.press("ArrowLeft")
    page.get_by_role("button", name="Read this part").click()
    expect(page.locator(".frame.draft")).to_have_count(0)
    assert len(gateway.rest_bodies) == 2


def test_answer_without_search_says_so(page: Page, gateway: Any, photo: Callable[..., Any]) -> None:
    """A line tells that the service was too busy to search the photo, until it has searched on demand."""
    busy = {"box": [0.25, 0, 0.5, 1], "search": "left_out"}
    gateway.replies["dog.jpg"] = [
        gateway.answer(is_dog=False, **busy),
        gateway.answer(is_dog=False, dogs=[], **busy),
        gateway.answer("Beagle", box=BOX, search="done", dogs=[]),
    ]
    page.goto("/")
    page.set_input_files("#photos", [photo(width=800, height=400)])
    said = page.locator(".frame-said")
    expect(said).to_have_text("The service was busy and looked at the middle of the photo alone.")
    page.get_by_role("button", name="Find all dogs").click()
    expect(said).to_have_text("Too many photos at once just now. Please try again in a moment.")
    page.get_by_role("button", name="Find all dogs").click()
    expect(page.locator(".headline")).to_have_text("Beagle")
    assert box_of(page.locator(".frame")) == is_near(BOX)
    assert [query["find"] for query in gateway.queries] == ["auto", "all", "all"]
