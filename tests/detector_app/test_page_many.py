"""Many photos at once: a few at a time, with progress, and under control."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Dialog, Page, expect


def test_read_many_sends_few_at_a_time(
    page: Page, gateway: Any, photo: Callable[..., Any], eventually: Callable[..., None]
) -> None:
    """Of forty photos at most three are under way, all are read, and the progress counts them."""
    page.goto("/")
    gates = [gateway.hold(f"{number}.jpg") for number in range(3)]
    page.set_input_files("#photos", [photo(f"{number}.jpg", 32, 24) for number in range(40)])
    expect(page.locator("[data-status=waiting]")).to_have_count(37)
    eventually(lambda: len(gateway.photos) == 3)
    for gate in gates[1:]:
        gate.set()
    expect(page.locator("#progress-text")).to_have_text("39 of 40 read", timeout=30_000)
    expect(page.locator(".pace")).to_have_text(re.compile(r"^[\d.,]+ a second, (one second|\d+ seconds) left$"))
    gates[0].set()
    expect(page.locator("#progress-text")).to_have_text("40 of 40 read")
    expect(page.locator(".pace")).to_be_empty()
    assert gateway.most_under_way == 3
    assert sorted(name for name, _ in gateway.photos) == sorted(f"{number}.jpg" for number in range(40))
    expect(page.locator("#announcer")).to_have_text("Done: 40 of 40 read.")


def test_cancel_many_stops_and_reads_rest_on_demand(
    page: Page, gateway: Any, photo: Callable[..., Any], eventually: Callable[..., None]
) -> None:
    """Cancel stops what is not read yet, the focus goes on to reading the rest, and no late answer shows."""
    names = [f"{number}.jpg" for number in range(8)]
    for name in names:
        gateway.replies[name] = [gateway.answer("Late"), gateway.answer("Kuvasz")]
    gates = [gateway.hold(name) for name in names[:3]]
    page.goto("/")
    page.set_input_files("#photos", [photo(name, 32, 24) for name in names])
    eventually(lambda: len(gateway.photos) == 3)  # not before: a photo that is still being shrunk was never sent
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#progress-text")).to_have_text("0 of 8 read, 8 cancelled")
    expect(page.get_by_role("button", name="Try 8 again")).to_be_focused()
    for name in names[3:]:
        gateway.replies[name].pop(0)  # their first answer will be the second try's
    page.keyboard.press("Enter")
    expect(page.locator("#progress-text")).to_have_text("8 of 8 read")
    for gate in gates:
        gate.set()
    expect(page.locator(".headline")).to_have_text(["Kuvasz"] * 8)


def test_retry_many_reads_only_what_may_pass(page: Page, gateway: Any, photo: Callable[..., Any]) -> None:
    """Photos that failed in passing are tried again at one press; a damaged one is left alone."""
    gateway.replies["slow.jpg"] = [gateway.problem(504, "deadline"), gateway.answer("Kuvasz")]
    gateway.replies["damaged.jpg"] = [gateway.problem(422, "damaged_image")]
    page.goto("/")
    page.set_input_files("#photos", [photo("slow.jpg"), photo("damaged.jpg"), photo("good.jpg")])
    expect(page.locator("#progress-text")).to_have_text("1 of 3 read, 2 failed")
    page.get_by_role("button", name="Try 1 again").click()
    expect(page.locator("#progress-text")).to_have_text("2 of 3 read, 1 failed")
    assert sorted(name for name, _ in gateway.photos) == ["damaged.jpg", "good.jpg", "slow.jpg", "slow.jpg"]


def test_add_photos_later_puts_them_first(page: Page, photo: Callable[..., Any]) -> None:
    """The newest photos stand on top, in the order in which they were chosen."""
    page.goto("/")
    page.set_input_files("#photos", [photo("a.jpg"), photo("b.jpg")])
    page.set_input_files("#photos", [photo("c.jpg"), photo("d.jpg")])
    expect(page.locator(".file")).to_have_text(["c.jpg", "d.jpg", "a.jpg", "b.jpg"])


def test_clear_photos_releases_them(page: Page, gateway: Any, photo: Callable[..., Any]) -> None:
    """Every object URL that was made is released, and clearing brings the first view back."""
    page.add_init_script(
        """globalThis.held = new Set();
        const [create, revoke] = [URL.createObjectURL, URL.revokeObjectURL];
        URL.createObjectURL = (file) => { const url = create(file); held.add(url); return url; };
        URL.revokeObjectURL = (url) => { held.delete(url); revoke(url); };"""
    )
    gate = gateway.hold("b.jpg")
    page.goto("/")
    unreadable = {"name": "c.jpg", "mimeType": "image/jpeg", "buffer": b"no photo"}
    page.set_input_files("#photos", [photo("a.jpg"), photo("b.jpg"), unreadable])
    expect(page.locator("[data-status=read]")).to_have_count(2)
    page.get_by_role("button", name="Clear all").click()
    gate.set()
    expect(page.locator(".card")).to_have_count(0)
    expect(page.locator("#progress")).to_be_hidden()
    expect(page.locator(".drawing")).to_be_visible()
    expect(page.get_by_role("button", name="Choose photos")).to_be_focused()
    page.wait_for_function("() => held.size === 0")


@pytest.mark.parametrize(("count", "side"), [(2, 640), (20, 300)])
def test_show_photos_holds_small_previews_alone(page: Page, photo: Callable[..., Any], count: int, side: int) -> None:
    """Pictures that the page shows of large photos are small, and smaller when there are many."""
    page.goto("/")
    page.set_input_files("#photos", [photo(f"{number}.jpg", 1600, 1200) for number in range(count)])
    expect(page.locator("[data-status=read]")).to_have_count(count, timeout=30_000)
    page.wait_for_function(
        "() => [...document.querySelectorAll('.photo img')].every(({ naturalWidth }) => naturalWidth > 0)"
    )
    heights = page.locator(".photo img").evaluate_all("(images) => images.map(({ naturalHeight }) => naturalHeight)")
    assert heights == [side] * count


def test_cancel_many_still_shows_each(
    page: Page, gateway: Any, photo: Callable[..., Any], eventually: Callable[..., None]
) -> None:
    """Photos that were given up before they were sent are shown nonetheless, and sent to nobody."""
    gates = [gateway.hold(f"{number}.jpg") for number in range(3)]
    page.goto("/")
    page.set_input_files("#photos", [photo(f"{number}.jpg", 32, 24) for number in range(30)])
    eventually(lambda: len(gateway.photos) == 3)
    page.get_by_role("button", name="Cancel").click()
    for gate in gates:
        gate.set()
    expect(page.locator(".photo img:not([hidden])")).to_have_count(30)
    assert len(gateway.photos) == 3


def test_clear_photos_can_be_undone(page: Page, gateway: Any, photo: Callable[..., Any]) -> None:
    """Cleared photos come back with their answers, and what was not read yet is read then."""
    gate = gateway.hold("b.jpg")
    page.goto("/")
    page.set_input_files("#photos", [photo("a.jpg"), photo("b.jpg")])
    expect(page.locator("[data-status=read]")).to_have_count(1)
    page.get_by_role("button", name="Clear all").click()
    expect(page.locator("#undo [role=status]")).to_have_text("All photos were cleared.")
    gate.set()
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("[data-status=read] .file")).to_have_text(["a.jpg", "b.jpg"])
    expect(page.locator("#undo")).to_be_hidden()
    assert page.evaluate("document.activeElement.id") == "cards"
    assert sorted(name for name, _ in gateway.photos) == ["a.jpg", "b.jpg", "b.jpg"]


def test_clear_photos_for_good_lets_go_of_their_files(page: Page, photo: Callable[..., Any]) -> None:
    """Once the chance to bring cleared photos back is closed, neither files nor previews are in memory."""
    page.goto("/")
    page.set_input_files("#photos", [photo(f"{number}.jpg", 32, 24) for number in range(4)])
    expect(page.locator("#history summary")).to_have_text("Read on this device: 4 photos")
    assert _blobs(page) > 0
    page.get_by_role("button", name="Clear all").click()
    assert _blobs(page) > 0
    page.locator("#undo").get_by_role("button", name="Close").click()
    assert _blobs(page) == 0


def _blobs(page: Page) -> int:
    """Return how many files and previews are left once garbage is collected."""
    tools = page.context.new_cdp_session(page)
    kind = tools.send("Runtime.evaluate", {"expression": "Blob.prototype"})["result"]["objectId"]
    found = tools.send("Runtime.queryObjects", {"prototypeObjectId": kind})["objects"]["objectId"]
    count = "function () { return this.filter((one) => one !== File.prototype).length; }"
    said = tools.send(
        "Runtime.callFunctionOn", {"objectId": found, "functionDeclaration": count, "returnByValue": True}
    )
    tools.detach()
    return int(said["result"]["value"])


def test_remove_photo_can_be_undone(page: Page, photo: Callable[..., Any]) -> None:
    """One photo goes without the others; the focus goes to the next one, and undoing brings it back to its place."""
    page.goto("/")
    page.set_input_files("#photos", [photo(f"{letter}.jpg") for letter in "abc"])
    expect(page.locator("[data-status=read]")).to_have_count(3)
    page.locator(".card", has_text="b.jpg").get_by_role("button", name="Remove").click()
    expect(page.locator(".file")).to_have_text(["a.jpg", "c.jpg"])
    expect(page.locator(".card", has_text="c.jpg")).to_be_focused()
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".file")).to_have_text(["a.jpg", "b.jpg", "c.jpg"])
    expect(page.locator(".card", has_text="b.jpg")).to_be_focused()


def test_choose_same_file_twice_reads_it_once(
    page: Page, gateway: Any, photo: Callable[..., Any], tmp_path: Path
) -> None:
    """A file that is here already is told, not read again."""
    file = tmp_path / "rex.jpg"
    file.write_bytes(photo()["buffer"])
    page.goto("/")
    page.set_input_files("#photos", file)
    expect(page.locator("[data-status=read]")).to_have_count(1)
    page.set_input_files("#photos", file)
    expect(page.locator("#left-out")).to_have_text("One photo is here already, and was not read again.")
    assert len(gateway.photos) == 1


def test_show_many_photos_as_tiles_that_open(page: Page, photo: Callable[..., Any]) -> None:
    """More than three answers are tiles with two stops of the Tab key each; what else there is is made on demand."""
    page.goto("/")
    page.set_input_files("#photos", [photo(f"{number}.jpg") for number in range(4)])
    expect(page.locator("[data-status=read]")).to_have_count(4)
    expect(page.locator(".card .detail")).to_have_count(0)
    expect(page.locator(".card :is(button, input):visible")).to_have_count(8)
    opener = page.get_by_role("button", name="Details of 2.jpg")
    opener.focus()
    page.keyboard.press("Enter")
    expect(opener).to_have_attribute("aria-expanded", "true")
    expect(page.locator(".card .detail")).to_have_count(1)
    expect(page.locator(".card .detail")).to_be_visible()
    expect(page.locator(".card.open").get_by_role("button", name="About this answer")).to_be_visible()


def test_show_progress_looks_like_what_it_is(page: Page, gateway: Any, photo: Callable[..., Any]) -> None:
    """Reading, a service that is away, cancelled, failed in part and done differ in words, mark and bar."""
    progress = page.locator("#progress")
    bar = progress.locator("progress")
    share = "(bar) => [bar.value, bar.max]"
    page.goto("/")
    expect(page.locator("#about-model")).not_to_be_empty()
    gateway.replies["b.jpg"] = [gateway.problem(503, "model_unavailable", {"Retry-After": "1"}), gateway.answer()]
    gateway.replies["e.jpg"] = [gateway.problem(422, "damaged_image")]
    held = gateway.hold("c.jpg")
    gateway.ready = False
    page.set_input_files("#photos", [photo(f"{letter}.jpg", 32, 24) for letter in "abcde"])
    expect(progress).to_have_attribute("data-state", "away")
    expect(progress.locator(".pace")).to_have_text("The service is away, the rest waits")
    gateway.ready = True
    expect(progress).to_have_attribute("data-state", "reading")
    expect(page.locator("#progress-text")).to_have_text("3 of 5 read, 1 failed")
    assert bar.evaluate(share) == [4, 5]
    page.get_by_role("button", name="Cancel").click()
    expect(progress).to_have_attribute("data-state", "cancelled")
    assert bar.evaluate(share) == [4, 5]
    expect(bar).to_be_visible()
    held.set()
    page.get_by_role("button", name="Try 1 again").click()
    expect(progress).to_have_attribute("data-state", "failed")
    page.locator(".card", has_text="e.jpg").get_by_role("button", name="Details of e.jpg").click()
    page.locator(".card", has_text="e.jpg").get_by_role("button", name="Remove").click()
    expect(progress).to_have_attribute("data-state", "done")
    expect(bar).to_be_hidden()
    marks = {"done": "✓", "failed": "!", "cancelled": "■"}
    for state, mark in marks.items():
        progress.evaluate("(element, state) => { element.dataset.state = state; }", state)
        said = page.locator("#progress-text").evaluate("(text) => getComputedStyle(text, '::before').content")
        assert said.startswith(f'"{mark} "')


def test_leave_page_while_photos_are_read_asks_first(
    page: Page, gateway: Any, photo: Callable[..., Any], eventually: Callable[..., None]
) -> None:
    """Closing the tab asks while a photo is read, and no more once all have their answers."""
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", stay)
    gate = gateway.hold("a.jpg")
    page.goto("/")
    page.set_input_files("#photos", [photo("a.jpg")])
    expect(page.locator("[data-status=reading]")).to_have_count(1)
    page.locator("body").click(position={"x": 5, "y": 400})  # without a touch of the page no browser asks
    page.close(run_before_unload=True)
    eventually(lambda: page.evaluate("true") and asked == ["beforeunload"])
    gate.set()
    expect(page.locator("[data-status=read]")).to_have_count(1)
    page.reload()
    assert asked == ["beforeunload"]


def test_change_album_updates_the_page_once(page: Page) -> None:
    """The page is drawn once for many changes at a time; all hear of new photos before one is read."""
    page.goto("/")
    said = page.evaluate(
        """async () => {
            const { Album } = await import("/js/photos/album.js");
            const { Reader } = await import("/js/reader.js");
            const album = new Album();
            const heard = [];
            const preparer = { take: async () => ({}) };
            const client = { predict: () => new Promise(() => {}) };
            new Reader(album, preparer, client, () => {}).start(); // before all listeners
            for (const type of ["added", "changed", "updated"]) album.addEventListener(type, () => heard.push(type));
            album.add(Array.from({ length: 300 }, (_, number) => new File([], `${number}.jpg`)));
            await new Promise((resolve) => setTimeout(resolve));
            const first = heard.splice(0);
            album.correct(album.all().map(({ id }) => id), { kind: "right" });
            await new Promise((resolve) => setTimeout(resolve));
            const isOther = (type) => type !== "changed";
            return [first.filter(isOther), first.indexOf("added"), heard.filter(isOther)];
        }"""
    )
    assert said == [["added", "updated", "updated"], 0, ["updated"]]


def test_draw_many_takes_slices_of_bounded_size(
    page: Page, photo: Callable[..., Any], switch: Callable[..., None]
) -> None:
    """However many answers there are, no task draws, moves or removes more than sixteen of them."""
    count = 40
    page.goto("/")
    page.evaluate(
        """globalThis.slices = [];
        const watch = new MutationObserver((records) => {
            const changed = records.flatMap(({ target, addedNodes, removedNodes }) => {
                if (["cards", "rows"].includes(target.id)) return [...addedNodes, ...removedNodes];
                return target.closest(".card, #rows tr") ?? []; // drawn again
            });
            slices.push(new Set(changed).size);
        });
        const places = document.querySelectorAll("#cards, #rows");
        for (const place of places) watch.observe(place, { childList: true, subtree: true });"""
    )

    def most_in_a_slice() -> int:
        slices = page.evaluate("globalThis.slices.splice(0)")
        assert sum(slices) >= count - 1  # one may stand right
        return int(max(slices))

    page.set_input_files("#photos", [photo(f"{count - number}.jpg", 32, 24) for number in range(count)])
    expect(page.locator(".card[data-status=read]")).to_have_count(count, timeout=30_000)
    assert most_in_a_slice() <= 16
    switch(page, "de")
    expect(page.locator(".card[lang=de] .remark", has_text="sicher")).to_have_count(count)
    assert most_in_a_slice() <= 16
    page.locator("select[name=sort]").select_option("file")
    expect(page.locator(".card .file")).to_have_text([f"{number + 1}.jpg" for number in range(count)])
    assert most_in_a_slice() <= 16
    page.locator("button[data-layout=table]").click()
    expect(page.locator("#rows tr")).to_have_count(count)
    expect(page.locator(".card")).to_have_count(0)
    assert most_in_a_slice() <= 16
    page.locator("#progress [data-do=clear]").click()
    expect(page.locator("#rows tr")).to_have_count(0)
    assert most_in_a_slice() <= 16


def test_choose_several_removes_or_downloads_them(page: Page, photo: Callable[..., Any]) -> None:
    """Chosen photos can be downloaded and removed together, and come back together."""
    page.goto("/")
    page.set_input_files("#photos", [photo(f"{letter}.jpg") for letter in "abcde"])
    expect(page.locator("[data-status=read]")).to_have_count(5)
    for letter in "bd":
        page.get_by_label(f"Choose {letter}.jpg").check()
    bar = page.locator("#chosen")
    with page.expect_download() as waiting:
        bar.get_by_role("button", name="Download").click()
    rows = Path(waiting.value.path()).read_text(encoding="utf-8-sig").splitlines()
    assert [row.split(",")[0] for row in rows[1:]] == ['"b.jpg"', '"d.jpg"']
    bar.get_by_role("button", name="Remove").click()
    expect(page.locator(".file")).to_have_text(["a.jpg", "c.jpg", "e.jpg"])
    expect(page.locator(".card", has_text="e.jpg")).to_be_focused()
    expect(page.locator("#undo [role=status]")).to_have_text("2 photos were removed.")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".file")).to_have_text([f"{letter}.jpg" for letter in "abcde"])


def test_unite_photos_shows_each_of_them(page: Page, photo: Callable[..., Any]) -> None:
    """The card of a dog on several photos shows them all."""
    page.goto("/")
    page.set_input_files("#photos", [photo("a.jpg"), photo("b.jpg"), photo("c.jpg")])
    expect(page.locator("[data-status=read]")).to_have_count(3)
    for letter in "ab":
        page.get_by_label(f"Choose {letter}.jpg").check()
    page.get_by_role("button", name="They show one dog").click()
    strip = page.locator(".card", has_text="a.jpg and one more").locator(".strip img")
    expect(strip).to_have_count(2)
    page.wait_for_function(
        "() => [...document.querySelectorAll('.strip img')].every(({ naturalWidth }) => naturalWidth > 0)"
    )
    page.get_by_role("button", name="Separate the photos").click()
    expect(page.locator(".strip img")).to_have_count(0)
