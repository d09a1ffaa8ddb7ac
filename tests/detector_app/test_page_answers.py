"""What the page says of an answer, whichever client fetched it, and whatever is in it."""

import base64
import io
import re
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

HOSTILE = '<img src=x onerror="alert(1)"><b>Rex</b>&amp;\u202egpj'


def test_read_not_a_dog_says_so(page: Page, gateway: Any, photo: Callable[..., Any]) -> None:
    """What is no dog is called none, with the nearest breed as an aside."""
    gateway.replies["cat.jpg"] = [gateway.answer("Akita", 0.3, is_dog=False)]
    page.goto("/")
    page.set_input_files("#photos", [photo("cat.jpg")])
    expect(page.get_by_role("heading", name="This does not look like a dog.")).to_be_visible()
    expect(page.locator(".remark")).to_have_text("If it is one, it is most like an Akita.")


@pytest.mark.parametrize(
    ("confidence", "is_dog", "headline", "remark"),
    [
        (0.49, True, "Perhaps a Pug", "Only 49% sure"),
        (0.5, True, "Pug", "50% sure"),
        (0.999, None, "Pug", ">99% sure"),
    ],
)
def test_read_dog_is_as_sure_as_model(
    page: Page, gateway: Any, photo: Callable[..., Any], confidence: float, is_dog: bool, headline: str, remark: str
) -> None:
    """Below the model card's threshold the breed is only perhaps; a model that cannot tell dogs accuses no photo."""
    gateway.replies["dog.jpg"] = [gateway.answer("Pug", confidence, is_dog=is_dog)]
    page.goto("/")
    page.set_input_files("#photos", [photo()])
    expect(page.locator("[data-status=read] .headline")).to_have_text(headline)
    expect(page.locator(".remark")).to_have_text(remark)


def test_read_unsure_dog_names_the_group_that_holds_the_probability(
    page: Page, gateway: Any, photo: Callable[..., Any]
) -> None:
    """Of several spaniels none of which is sure, the page says spaniel, and how much they hold together."""
    shares = {
        "English Springer Spaniel": 0.3,
        "Welsh Springer Spaniel": 0.2,
        "Pug": 0.1,
        "Brittany": 0.05,
        "Akita": 0.01,
    }
    predictions = [{"breed": breed, "confidence": share} for breed, share in shares.items()]
    gateway.replies["dog.jpg"] = [gateway.answer(predictions=predictions)]
    page.goto("/")
    page.set_input_files("#photos", [photo()])
    expect(page.locator("[data-status=read] .headline")).to_have_text("Probably a spaniel")
    expect(page.locator(".remark")).to_have_text(
        re.compile(r"^English Springer Spaniel \(30%\), Welsh Springer Spaniel \(20%\)")
    )
    expect(page.locator(".guess-breed").first).to_have_text("Pug")


def test_show_breed_tells_its_group_size_and_a_sentence(page: Page, photo: Callable[..., Any]) -> None:
    """What is known of the breed is one press away, and goes with another."""
    page.goto("/")
    page.set_input_files("#photos", [photo()])
    button = page.get_by_role("button", name="About this answer")
    button.click()
    expect(page.locator(".facts-kind")).to_have_text("Group: spitz. Size: large.")
    expect(page.locator(".facts-sentence")).not_to_be_empty()
    expect(button).to_have_attribute("aria-expanded", "true")
    button.click()
    expect(page.locator(".facts")).to_be_hidden()


def test_copy_answer_puts_it_on_the_clipboard(page: Page, photo: Callable[..., Any]) -> None:
    """An answer is copied as the sentence that a screen reader says."""
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto("/")
    page.set_input_files("#photos", [photo("rex.jpg")])
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == "rex.jpg: Akita. 90% sure"


def test_read_hostile_names_shows_text(page: Page, gateway: Any, photo: Callable[..., Any]) -> None:
    """A file name, a breed or a model's name that looks like HTML is shown as it is, and nothing of it runs."""
    reply = gateway.answer(HOSTILE, model={"name": HOSTILE, "version": HOSTILE})
    gateway.replies[HOSTILE.replace('"', "%22")] = [reply]
    page.goto("/")
    page.set_input_files("#photos", [photo(HOSTILE)])
    expect(page.locator(".headline")).to_have_text(HOSTILE)
    expect(page.locator(".file")).to_have_text(HOSTILE)
    expect(page.locator(".model")).to_have_text(f"{HOSTILE}, version {HOSTILE}")
    expect(page.locator("main b, [onerror]")).to_have_count(0)


def test_read_hostile_names_shows_text_in_table_lists_and_history(
    page: Page, gateway: Any, photo: Callable[..., Any]
) -> None:
    """Wherever else a name or a breed is shown, it is text: in the table, the list of breeds, the history."""
    for number in range(4):
        gateway.replies[f"{number}{HOSTILE}".replace('"', "%22")] = [gateway.answer(HOSTILE)]
    page.goto("/")
    page.set_input_files("#photos", [photo(f"{number}{HOSTILE}") for number in range(4)])
    expect(page.locator("[data-status=read]")).to_have_count(4)
    page.get_by_role("button", name="Table").click()
    page.locator("#history summary").click()
    expect(page.locator("#rows .headline").first).to_have_text(HOSTILE)
    expect(page.locator("#rows .file-name").first).to_have_text(f"0{HOSTILE}")
    expect(page.locator("#history .headline").first).to_have_text(f"{HOSTILE} (90%)")
    expect(page.locator("[name=breed] option").nth(1)).to_have_text(f"{HOSTILE} (4)")
    expect(page.locator("main b, [onerror]")).to_have_count(0)


@pytest.mark.parametrize(
    "change",
    [
        {"predictions": []},
        {"predictions": "Akita"},
        {"predictions": [{"breed": 1, "confidence": 0.5}]},
        {"predictions": [{"breed": "Akita", "confidence": "1e9"}]},
        {"predictions": [{"breed": "Akita", "confidence": 7}]},
        {"predictions": [None]},
        {"is_dog": "yes"},
    ],
    ids=str,
)
def test_read_nonsense_says_so(page: Page, gateway: Any, photo: Callable[..., Any], change: dict[str, Any]) -> None:
    """An answer of a wrong shape is an error in words, never half a card."""
    gateway.replies["dog.jpg"] = [gateway.answer(**change)]
    page.goto("/")
    page.set_input_files("#photos", [photo()])
    expect(page.locator("[data-status=failed] .remark")).to_contain_text("makes no sense")
    expect(page.locator(".guess")).to_have_count(0)


def test_read_answers_out_of_order_each_lands_on_its_card(page: Page, gateway: Any, photo: Callable[..., Any]) -> None:
    """Answers that come in another order than their photos still land on the right cards."""
    names = ["a.jpg", "b.jpg", "c.jpg"]
    for name in names:
        gateway.replies[name] = [gateway.answer(f"Breed of {name}")]
    gates = {name: gateway.hold(name) for name in names}
    page.goto("/")
    page.set_input_files("#photos", [photo(name) for name in names])
    for count, name in enumerate(["c.jpg", "a.jpg", "b.jpg"], 1):
        gates[name].set()
        expect(page.locator("[data-status=read]")).to_have_count(count)
    for name in names:
        expect(page.locator(".card").filter(has_text=name).locator(".headline")).to_have_text(f"Breed of {name}")


def test_settle_photo_with_late_answer_changes_nothing(page: Page) -> None:
    """An answer to a job that was cancelled, repeated or cleared away is dropped."""
    page.goto("/")
    statuses = page.evaluate(
        """async () => {
            const { Album } = await import("/js/photos/album.js");
            const album = new Album();
            album.add([new File([], "a.jpg")]);
            const late = album.begin(1);
            album.cancel();
            album.settle(1, late, { answer: "late" });
            const cancelled = album.get(1).status;
            album.retry(1);
            const again = album.begin(1);
            album.settle(1, late, { answer: "late" });
            const repeated = album.get(1).answer;
            album.settle(1, again, { answer: "right" });
            const settled = album.get(1).answer;
            album.clear();
            album.settle(1, again, { answer: "late" });
            return [cancelled, repeated, settled, album.counts().total];
        }"""
    )
    assert statuses == ["cancelled", None, "right", 0]


def test_show_photo_turned_by_camera_is_upright(page: Page, photo: Callable[..., Any]) -> None:
    """A photo that the camera stored on its side is shown upright."""
    page.goto("/")
    page.set_input_files("#photos", [photo(width=320, height=240, orientation=6)])
    expect(page.locator("[data-status=read]")).to_have_count(1)
    size = page.locator(".photo img").evaluate("(image) => [image.naturalWidth, image.naturalHeight]")
    assert size == [240, 320]


def test_explain_answer_lays_heat_over_square_that_model_saw(page: Page, photo: Callable[..., Any]) -> None:
    """The heat map covers the central square that the model saw, and can be taken away again."""
    page.goto("/")
    page.set_input_files("#photos", [photo(width=320, height=160)])
    page.get_by_role("button", name="Show where it looked").click()
    canvas = page.locator(".photo canvas")
    expect(canvas).to_be_visible()
    # The square has 0.89 of 160 pixels and begins at (88.8, 8.8); only the first of its 4 x 4 places is hot.
    alpha = "(canvas, [x, y]) => canvas.getContext('2d').getImageData(x, y, 1, 1).data[3]"
    assert canvas.evaluate(alpha, [95, 15]) > 150
    assert [canvas.evaluate(alpha, place) for place in ([80, 15], [95, 5], [220, 140])] == [0, 0, 0]
    slider = page.get_by_role("slider", name="How strongly it shows")
    slider.fill("25")
    assert canvas.evaluate("(canvas) => getComputedStyle(canvas).opacity") == "0.25"
    page.get_by_role("button", name="Show the photo only").click()
    expect(canvas).to_be_hidden()
    expect(slider).to_be_hidden()


def test_explain_answer_failing_keeps_answer(page: Page, gateway: Any, photo: Callable[..., Any]) -> None:
    """If the heat map cannot be had, the answer stays and the button says so."""
    page.goto("/")
    page.set_input_files("#photos", [photo()])
    expect(page.locator("[data-status=read]")).to_have_count(1)
    gateway.replies["dog.jpg"] = [gateway.answer(predictions=[])]
    page.get_by_role("button", name="Show where it looked").click()
    expect(page.get_by_role("button", name="It could not be shown. Try again")).to_be_visible()
    expect(page.locator("[data-status=read] .headline")).to_have_text("Akita")


def test_read_photo_by_rest_client_shows_same_answer(page: Page, gateway: Any, photo: Callable[..., Any]) -> None:
    """With ?client=rest the page asks TensorFlow Serving itself, and shows what it would show by the gateway."""
    page.goto("/?client=rest")
    page.set_input_files("#photos", [photo(width=3000, height=2000, orientation=6)])
    expect(page.locator("[data-status=read] .headline")).to_have_text("Saluki")
    expect(page.locator(".guess-share")).to_have_text(["10%", "5%", "3%", "2%"])
    expect(page.locator(".model")).to_have_text("dog_breed, version 3")
    expect(page.locator("#about-model")).to_contain_text("which knows 6 breeds")
    assert gateway.photos == []
    (body,) = gateway.rest_bodies
    assert body["signature_name"] == "serving_default"
    sent = Image.open(io.BytesIO(base64.b64decode(body["instances"][0]["b64"])))
    # Upright, so that red is above blue, and smaller.
    assert sent.size == (1150, 1725)
    assert sent.getpixel((440, 50))[0] > 150
    assert sent.getpixel((440, 1250))[2] > 150


def test_read_photo_by_rest_client_follows_new_version(page: Page, gateway: Any, photo: Callable[..., Any]) -> None:
    """When another version took the place of the one known, the photo is read by that one, and the card says so."""
    page.goto("/?client=rest")
    page.set_input_files("#photos", [photo()])
    expect(page.locator(".model")).to_have_text("dog_breed, version 3")
    gateway.rest_version = "4"
    page.set_input_files("#photos", [photo()])
    expect(page.locator(".model")).to_have_text(["dog_breed, version 4", "dog_breed, version 3"])


def test_read_damaged_photo_by_rest_client_says_so(page: Page) -> None:
    """What the browser cannot draw is not sent, and the card says what to choose instead."""
    page.goto("/?client=rest")
    page.set_input_files("#photos", [{"name": "text.jpg", "mimeType": "image/jpeg", "buffer": b"no photo"}])
    expect(page.locator("[data-status=failed] .remark")).to_contain_text("Please choose a JPEG, PNG or WebP.")


def test_share_answer_hands_it_over_with_its_picture(page: Page, photo: Callable[..., Any]) -> None:
    """Where a device can share, the answer goes out as one line with the small picture; giving up is no error."""
    page.add_init_script(
        """globalThis.shared = [];
        navigator.canShare = ({ files }) => files.length > 0;
        navigator.share = async ({ text, files }) => {
            if (shared.length > 0) throw new DOMException("given up", "AbortError");
            shared.push([text, files[0].name, files[0].type, files[0].size > 0]);
        };"""
    )
    page.goto("/")
    page.set_input_files("#photos", [photo("rex.png")])
    button = page.get_by_role("button", name="Share")
    expect(page.locator(".photo img")).to_be_visible()
    button.click()
    page.wait_for_function("() => shared.length === 1")
    assert page.evaluate("shared[0]") == ["rex.png: Akita. 90% sure", "rex.jpg", "image/jpeg", True]
    button.click()
    expect(button).to_have_text("Share")


def test_show_answer_of_an_unfamiliar_photo_says_most_like(page: Page, gateway: Any, photo: Callable[..., Any]) -> None:
    """Below the card's threshold an answer is no more than the nearest breed that the model knows."""
    gateway.card["thresholds"] = {"dog": 0.5, "sure": 0.5, "familiar": 0.05}
    gateway.replies["strange.jpg"] = [gateway.answer("Kuvasz", 0.9, familiarity=0.01)]
    gateway.replies["known.jpg"] = [gateway.answer("Kuvasz", 0.9, familiarity=0.4)]
    page.goto("/")
    expect(page.locator("#about-model")).not_to_be_empty()
    page.set_input_files("#photos", [photo("strange.jpg"), photo("known.jpg")])
    strange = page.locator(".card", has_text="strange.jpg")
    expect(strange.locator(".headline")).to_have_text("Most like a Kuvasz")
    expect(strange.locator(".remark")).to_have_text("Of the breeds that I know. It may be none of them.")
    expect(strange.locator(".verdict .bar")).to_be_hidden()
    expect(page.locator(".card", has_text="known.jpg").locator(".headline")).to_have_text("Kuvasz")


def test_show_breeds_that_look_alike_by_their_family(page: Page, gateway: Any, photo: Callable[..., Any]) -> None:
    """Two corgis are a corgi rather than a herding dog, said with the certainty of both together."""
    corgis = [("Cardigan", 0.47), ("Pembroke", 0.39), ("Pug", 0.05)]
    gateway.replies["dog.jpg"] = [
        gateway.answer(predictions=[{"breed": breed, "confidence": share} for breed, share in corgis])
    ]
    page.goto("/")
    page.set_input_files("#photos", [photo()])
    expect(page.locator(".headline")).to_have_text("Almost surely a corgi")
    expect(page.locator(".remark")).to_have_text("Cardigan Welsh Corgi (47%), Pembroke Welsh Corgi (39%)")


def test_search_breeds_that_the_model_knows(page: Page, gateway: Any) -> None:
    """All breeds of the model are a list behind its description, found by any name, in order; Escape leads back."""
    page.goto("/")
    opener = page.get_by_role("button", name="Which breeds?")
    opener.click()
    dialog = page.get_by_role("dialog", name="Breeds that the model knows")
    expect(dialog.get_by_role("listitem")).to_have_text(["Akita", "Beagle", "Borzoi", "Briard", "Kuvasz", "Saluki"])
    expect(dialog.get_by_role("status")).to_have_text("6 breeds")
    search = dialog.get_by_label("Search by any name")
    search.fill("russian wolf")  # a Borzoi
    expect(dialog.get_by_role("listitem")).to_have_text(["Borzoi"])
    search.fill("unicorn")
    expect(dialog.get_by_role("status")).to_have_text("0 breeds")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(opener).to_be_focused()
