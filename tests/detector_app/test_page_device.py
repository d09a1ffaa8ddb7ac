"""Answers on the device: the offer, the answers, the files that are kept, and what is said where it does not work."""

from __future__ import annotations

import hashlib
import io
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Page, expect

from local_server.tensorflow_import import import_tensorflow_quietly
from model_serving.photos import Geometry, read_pixels

PAGE = Path(__file__).parents[2] / "detector_app" / "page"
SCREENSHOTS = Path(__file__).parents[2] / "artifacts" / "page"
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True, "device_scale_factor": 2}
LOADED_MS = 30_000  # the runtime's nine megabytes are compiled
SIZE, CROP, FIELDS = 260, 0.89, 4
OFFER = re.compile(r"Answer on this device \(\d+ MB\)")
KEPT = """async () => {
    const cache = await caches.open("device-1");
    return (await cache.keys()).map(({ url }) => new URL(url).pathname).sort();
}"""


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, bytes]:
    """Return two small models for browsers, whose answers differ, in the form of an exported version's."""
    import_tensorflow_quietly()
    import tensorflow as tf

    def convert(seed: int) -> bytes:
        random = np.random.default_rng(seed)
        kernel = random.normal(size=(FIELDS * FIELDS * 3, 6)).astype(np.float32)

        class Model(tf.Module):
            @tf.function(input_signature=[tf.TensorSpec([1, SIZE, SIZE, 3], tf.float32, "pixels")])
            def pixels(self, pixels):
                fields = tf.nn.avg_pool2d(pixels / 255, SIZE // FIELDS, SIZE // FIELDS, "VALID")
                red = tf.reduce_max(fields[..., 0], [1, 2])
                return {
                    "probabilities": tf.nn.softmax(tf.matmul(tf.reshape(fields, [1, -1]), kernel)),
                    "dog_probability": tf.sigmoid(20 * (red - 0.4)),
                    "familiarity": tf.reduce_mean(fields, [1, 2, 3]),
                    "heatmap": fields[..., 0] / tf.reduce_max(fields),
                }

        model = Model()
        folder = str(tmp_path_factory.mktemp("model"))
        tf.saved_model.save(model, folder, signatures={"pixels": model.pixels})
        return bytes(tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=["pixels"]).convert())

    return convert(0), convert(1)


@pytest.fixture
def root(runtime: Path, tmp_path: Path) -> Path:
    """Return a copy of the page, with the runtime."""
    copy = tmp_path / "page"
    shutil.copytree(PAGE, copy, ignore=shutil.ignore_patterns("runtime"))
    (copy / "runtime").symlink_to(runtime)
    return copy


@pytest.fixture
def publish(gateway: Any, tmp_path: Path) -> Callable[[bytes, str], Path]:
    """Return a function that gives the server a version with a model for browsers; it returns the model's file."""

    def give(model: bytes, version: str) -> Path:
        file = tmp_path / "models" / "dog_breed" / version / "assets.extra" / "on_device.tflite"
        file.parent.mkdir(parents=True)
        file.write_bytes(model)
        gateway.version = version
        gateway.on_device = {
            "url": f"/models/dog_breed/{version}/on_device.tflite",
            "bytes": len(model),
            "sha256": hashlib.sha256(model).hexdigest(),
        }
        return file

    return give


@pytest.fixture
def model_file(tmp_path: Path) -> Path:
    """Return the file of version 3."""
    return tmp_path / "models" / "dog_breed" / "3" / "assets.extra" / "on_device.tflite"


@pytest.fixture
def open_device(
    start_nginx: Callable[..., str],
    gateway: Any,
    root: Path,
    tmp_path: Path,
    open_page: Callable[..., Page],
    publish: Any,
    models: Any,
) -> Callable[..., Page]:
    """Return a function that opens the page where version 3 has a model for browsers."""

    def open_tab(path: str = "/", **options: Any) -> Page:
        publish(models[0], "3")
        folders = {"PAGE_ROOT": str(root), "MODELS_ROOT": str(tmp_path / "models")}
        page = open_page(start_nginx(gateway=gateway.address, serving=gateway.address, **folders), **options)
        page.goto(path)
        return page

    return open_tab


def await_device(page: Page) -> None:
    """Return once the page answers by itself."""
    expect(page.get_by_role("button", name="Let the service answer")).to_be_visible(timeout=LOADED_MS)
    expect(page.locator("#about-model")).not_to_be_empty(timeout=LOADED_MS)


def await_kept(page: Page, eventually: Callable[..., None]) -> None:
    """Return once all is kept that it takes to answer without a network."""
    eventually(lambda: "/api/v1/model" in page.evaluate(KEPT))


def drawn(name: str, *colours: tuple[int, int, int]) -> dict[str, Any]:
    """Return a photo of so many stripes, as a file to be chosen."""
    rows = np.repeat(np.array(colours, np.uint8)[:, None], 480 // len(colours), 0)
    file = io.BytesIO()
    Image.fromarray(np.tile(rows, (1, 640, 1))).save(file, "JPEG", quality=95)
    return {"name": name, "mimeType": "image/jpeg", "buffer": file.getvalue()}


def told_by_interpreter(model: bytes, photo: bytes) -> dict[str, np.ndarray]:
    """Return TensorFlow's own answer to the pixels that the gateway makes of a photo."""
    import tensorflow as tf

    interpreter = tf.lite.Interpreter(model_content=model)
    pixels = np.asarray(read_pixels(photo, Geometry(SIZE, CROP)), np.float32)[None]
    outputs: dict[str, np.ndarray] = interpreter.get_signature_runner()(pixels=pixels)
    return outputs


def downloaded(page: Page) -> list[dict[str, Any]]:
    """Return what the page downloads of all photos."""
    with page.expect_download() as download:
        page.get_by_role("button", name="Download as JSON").click()
    records: list[dict[str, Any]] = json.loads(Path(download.value.path()).read_text())
    return records


PHOTOS = [
    drawn("a.jpg", (250, 20, 30), (10, 240, 20)),
    drawn("b.jpg", (240, 240, 240), (20, 30, 250), (220, 10, 10)),
    drawn("c.jpg", (130, 140, 30), (200, 60, 160)),
    drawn("no-dog.jpg", (10, 20, 240)),
]


def test_accept_offer_answers_as_the_interpreter_and_sends_nothing(
    open_device: Callable[..., Page], gateway: Any, models: Any
) -> None:
    """One press, and photos are answered by the model's own file, with the shares of a second implementation."""
    page = open_device(accept_downloads=True, viewport={"width": 1280, "height": 900})
    page.get_by_role("button", name=OFFER).click()
    await_device(page)
    expect(page.get_by_text("Your photos stay on this device.")).to_be_visible()
    page.set_input_files("#photos", PHOTOS)
    expect(page.locator("[data-status=read]")).to_have_count(len(PHOTOS))
    for photo, record in zip(PHOTOS, downloaded(page), strict=True):
        expected = told_by_interpreter(models[0], photo["buffer"])
        shares = dict(zip(gateway.card["breeds"], expected["probabilities"][0], strict=True))
        best = sorted(shares, key=lambda breed: -shares[breed])[:5]
        assert [guess["breed"] for guess in record["predictions"]] == best
        told = [guess["confidence"] for guess in record["predictions"]]
        assert told == pytest.approx([shares[breed] for breed in best], abs=0.01)
        assert record["dog_probability"] == pytest.approx(expected["dog_probability"][0], abs=0.01)
        assert record["is_dog"] == (photo["name"] != "no-dog.jpg")
        assert record["familiarity"] is None  # as the card has no figures for it
        assert record["model"] == {"name": "dog_breed", "version": "3"}
    page.reload()
    await_device(page)  # remembered
    page.get_by_role("button", name="Let the service answer").click()
    expect(page.get_by_role("button", name=OFFER)).to_be_visible()
    assert gateway.photos == []
    page.set_input_files("#photos", PHOTOS[:1])
    expect(page.locator("[data-status=read]")).to_have_count(1)
    assert len(gateway.photos) == 1


def test_answer_without_network_is_the_same_on_a_phone(
    open_device: Callable[..., Page], gateway: Any, eventually: Callable[..., None]
) -> None:
    """The page opens and answers with no network once its files are kept, shows where it looked, and remembers it."""
    page = open_device("/?client=device", service_workers="allow", **PHONE)
    await_device(page)
    await_kept(page, eventually)
    runtime = ["/runtime/about.json", "/runtime/litert_wasm_internal.wasm"]
    assert page.evaluate(KEPT) == ["/api/v1/model", "/models/dog_breed/3/on_device.tflite", *runtime]
    page.set_input_files("#photos", PHOTOS[:1])
    expect(page.locator("[data-status=read]")).to_have_count(1)
    said = page.locator(".headline").text_content()
    expect(page.locator("#history")).to_contain_text("one photo")
    page.context.set_offline(True)
    page.reload()
    await_device(page)
    expect(page.locator("#readiness")).to_be_hidden()
    page.set_input_files("#photos", PHOTOS[:1])
    expect(page.locator(".card .headline")).to_have_text(str(said))
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.evaluate("scrollTo(0, 0)")
    page.screenshot(path=SCREENSHOTS / "phone-device-offline.png", full_page=True)
    page.get_by_role("button", name="Show where it looked").click()
    expect(page.locator(".photo canvas")).to_be_visible()
    expect(page.locator("#history")).to_contain_text("2 photos")
    page.set_input_files("#photos", PHOTOS[3:])
    expect(page.locator(".headline", has_text="This does not look like a dog.")).to_be_visible()
    assert gateway.photos == []


def test_service_that_is_away_is_replaced_by_what_is_kept(
    open_device: Callable[..., Page], eventually: Callable[..., None]
) -> None:
    """Without a network, the kept model is offered to a person who had let the service answer again."""
    page = open_device("/?client=device", service_workers="allow")
    await_device(page)
    await_kept(page, eventually)
    page.get_by_role("button", name="Let the service answer").click()
    expect(page.get_by_role("button", name=OFFER)).to_be_visible()
    page.context.set_offline(True)
    page.reload()
    expect(page.locator("#readiness")).to_contain_text("You are offline.")
    page.get_by_role("button", name="Answer on this device").click()
    await_device(page)
    page.set_input_files("#photos", PHOTOS[:1])
    expect(page.locator("[data-status=read]")).to_have_count(1)


def test_new_version_takes_the_old_ones_place(
    open_device: Callable[..., Page], publish: Callable[..., Path], models: Any, eventually: Callable[..., None]
) -> None:
    """A newer version is loaded on the next visit and the old one dropped; one that does not come leaves that."""
    page = open_device("/?client=device", service_workers="allow")
    await_device(page)
    await_kept(page, eventually)
    new = publish(models[1], "4")
    content = new.read_bytes()
    new.unlink()
    page.reload()
    await_device(page)
    expect(page.locator("#about-model")).to_contain_text("version 3")
    new.write_bytes(content)
    page.reload()
    await_device(page)
    expect(page.locator("#about-model")).to_contain_text("version 4")
    new_alone = ["/models/dog_breed/4/on_device.tflite"]
    eventually(lambda: [path for path in page.evaluate(KEPT) if path.startswith("/models/")] == new_alone)
    page.set_input_files("#photos", PHOTOS[:1])
    expect(page.locator(".card .model")).to_contain_text("version 4")


def test_file_that_was_altered_is_not_used_nor_kept(
    open_device: Callable[..., Page], models: Any, model_file: Path
) -> None:
    """A model that is not what the server told of is refused in words, not asked for again, and loaded another time."""
    page = open_device()
    expect(page.get_by_role("button", name=OFFER)).to_be_visible()
    model_file.write_bytes(models[0][:-1] + b"!")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if request.url.endswith(".tflite") else None)
    page.get_by_role("button", name=OFFER).click()
    expect(page.locator("#readiness")).to_contain_text("not what was published", timeout=LOADED_MS)
    page.wait_for_timeout(2500)  # the page has looked again by now whether it is ready
    assert len(asked) == 1
    assert not any(path.startswith("/models/") for path in page.evaluate(KEPT))
    model_file.write_bytes(models[0])
    page.reload()
    await_device(page)


def test_browser_that_cannot_says_so_and_lets_the_service_answer(
    open_device: Callable[..., Page], gateway: Any
) -> None:
    """Without WebAssembly's SIMD there is no offer; who comes by the address is told so, and the service goes on."""
    page = open_device("about:blank")
    page.add_init_script("WebAssembly.validate = () => false")
    page.goto("/?client=device")
    expect(page.locator("#readiness")).to_contain_text("This browser cannot answer by itself.")
    page.get_by_role("button", name="Let the service answer").click()
    expect(page.locator("#about-model")).not_to_be_empty()
    page.set_input_files("#photos", PHOTOS[:1])
    expect(page.locator("[data-status=read]")).to_have_count(1)
    expect(page.locator("#on-device")).to_be_hidden()
    assert len(gateway.photos) == 1


def test_browser_without_relaxed_simd_runs_the_other_build(
    open_device: Callable[..., Page], runtime: Path, root: Path, gateway: Any, models: Any
) -> None:
    """The build for older browsers is loaded instead, and answers alike; the core is made to think that it needs it."""
    (root / "runtime").unlink()
    (root / "runtime").mkdir()
    for file in runtime.iterdir():
        (root / "runtime" / file.name).symlink_to(file)
    core = (runtime / "core.js").read_text()
    asks = 'await supportsFeature("relaxedSimd")'
    assert asks in core
    (root / "runtime" / "core.js").unlink()
    (root / "runtime" / "core.js").write_text(core.replace(asks, "false"))
    page = open_device("/?client=device")
    await_device(page)
    page.set_input_files("#photos", PHOTOS[:1])
    shares = told_by_interpreter(models[0], PHOTOS[0]["buffer"])["probabilities"][0]
    expect(page.locator("[data-status=read] .headline")).to_have_text(gateway.card["breeds"][int(shares.argmax())])
    assert [path for path in page.evaluate(KEPT) if path.endswith(".wasm")] == [
        "/runtime/litert_wasm_compat_internal.wasm"
    ]


@pytest.mark.parametrize("missing", ["runtime", "model"])
def test_page_without_all_that_it_takes_offers_nothing(
    open_device: Callable[..., Page], gateway: Any, root: Path, missing: str
) -> None:
    """Nothing is offered if the page was set up without the runtime, or the version has no such model."""
    (root / "runtime").unlink()
    page = open_device("about:blank")
    if missing == "model":
        gateway.on_device = None
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto("/", wait_until="networkidle")
    expect(page.locator("#about-model")).not_to_be_empty()
    expect(page.locator("#on-device")).to_be_hidden()
    assert any("/runtime/" in url for url in asked) == (missing == "runtime")
    page.goto("/?client=device")
    expect(page.locator("#readiness")).to_contain_text("The service has no model for devices.")


def test_cancel_many_photos_and_go_on(open_device: Callable[..., Page]) -> None:
    """Of many photos the rest can be cancelled, and read when they are wanted after all."""
    page = open_device("/?client=device", viewport={"width": 1280, "height": 900})
    await_device(page)
    page.set_input_files("#photos", [PHOTOS[number % 3] | {"name": f"{number}.jpg"} for number in range(30)])
    expect(page.locator("[data-status=read]").first).to_be_attached()
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#progress-text")).to_contain_text("cancelled")
    page.locator("#progress [data-do=retry]").click()
    expect(page.locator("#progress-text")).to_have_text("30 of 30 read", timeout=LOADED_MS)


def test_axe_finds_nothing_in_the_states_of_the_device(
    open_device: Callable[..., Page], switch: Callable[[Page, str], None], models: Any, model_file: Path
) -> None:
    """Offer, failure and answers on the device break no rule of accessible pages, in any language."""
    page = open_device(reduced_motion="reduce", **PHONE)
    axe = Axe()

    def require_no_violation(state: str) -> None:
        for language in ("de", "zh", "en"):
            switch(page, language)
            results = axe.run(page)
            assert results.violations_count == 0, f"{state}, {language}: {results.generate_report()}"

    expect(page.get_by_role("button", name=OFFER)).to_be_visible()
    require_no_violation("offer")
    model_file.write_bytes(b"?")
    page.get_by_role("button", name=OFFER).click()
    expect(page.locator("#readiness")).to_contain_text("not what was published", timeout=LOADED_MS)
    require_no_violation("failure")
    model_file.write_bytes(models[0])
    page.reload()
    await_device(page)
    page.set_input_files("#photos", PHOTOS[:1])
    expect(page.locator("[data-status=read]")).to_have_count(1)
    require_no_violation("answer")
