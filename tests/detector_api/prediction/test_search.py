"""The search for dogs in a whole photo: when it is made, what it asks, and what is told of it."""

from __future__ import annotations

import io
import math
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageDraw

from detector_api.client import Detector
from model_serving.photos import worker_process

URL = "/api/v1/predict_breed"
# In the photo, of 400 x 200: a white dog and a light one, and a place where there is none.
WHITE = (0.1, 0.05, 0.5, 0.25)
LIGHT = (0.4, 0.75, 0.8, 0.95)
NOTHING = (0.6, 0.4, 1.0, 0.6)


def encode(image: Image.Image, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", **options)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def two_dogs() -> Image.Image:
    image = Image.new("RGB", (400, 200), (0, 0, 0))
    draw = ImageDraw.Draw(image)
    for (top, left, bottom, right), grey in ((WHITE, 255), (LIGHT, 200)):
        draw.rectangle((400 * left - 3, 200 * top - 3, 400 * right + 3, 200 * bottom + 3), (grey, grey, grey))
    return image


@pytest.fixture
def searching(serving: Any) -> Any:
    """The scripted server, with a model that locates: bright is a dog, and the brighter the surer."""
    serving.card["locates"] = True
    serving.judge = lambda brightness: (brightness, max(0.3, brightness - 0.05))
    serving.boxes = [(*WHITE, 0.9), (*LIGHT, 0.8), (*NOTHING, 0.4)]
    return serving


def signatures(serving: Any) -> list[str]:
    asked = [request.model_spec.signature_name for request in serving.requests]
    return [signature for signature in asked if signature != "describe"]


def post(gateway: httpx.Client, photo: bytes, **query: Any) -> dict[str, Any]:
    response = gateway.post(URL, params=query, files={"dog_image": photo})
    assert response.status_code == 200, response.text
    return response.json()


def test_find_auto_answers_for_a_dog_beside_the_centre(gateway: Any, searching: Any, two_dogs: Image.Image) -> None:
    """A photo whose centre shows no dog is searched, and the best part's answer told, with its box."""
    answer = post(gateway, encode(two_dogs), top_k=2)
    assert (answer["is_dog"], answer["confidence"]) == (True, 0.95)
    assert answer["box"] == [0.05, 0.1, 0.2, 0.4]
    assert answer["search"] == "done"
    assert "dogs" not in answer
    assert signatures(searching) == ["pixels", "locate", "pixels"]
    (whole,) = (request for request in searching.requests if request.model_spec.signature_name == "locate")
    assert np.array_equal(tf.make_ndarray(whole.inputs["pixels"])[0], np.asarray(two_dogs))


@pytest.mark.parametrize(("found_probability", "is_dog"), [(0.6, True), (0.4, False)])
def test_find_tells_found_dogs_by_their_own_number(
    gateway: Any, searching: Any, two_dogs: Image.Image, found_probability: float, is_dog: bool
) -> None:
    """A part that was found is a dog by `found_probability`, where the model has it, whatever its dog probability."""
    searching.card["thresholds"] = searching.card["thresholds"] | {"found": 0.5}
    searching.found_probability = found_probability
    assert post(gateway, encode(two_dogs))["is_dog"] is is_dog
    assert len(post(gateway, encode(two_dogs), find="all")["dogs"]) == (2 if is_dog else 0)


def test_find_auto_asks_no_more_of_a_centre_that_is_sure(gateway: Any, searching: Any) -> None:
    """A photo whose centre shows a dog of a sure breed costs one call, and its box is the square that was judged."""
    answer = post(gateway, encode(Image.new("RGB", (400, 200), (255, 255, 255))))
    assert (answer["search"], answer["box"]) == ("not_needed", [0.375, 0.25, 0.25, 0.5])
    assert signatures(searching) == ["pixels"]


def test_find_auto_keeps_a_centre_that_is_as_good(gateway: Any, searching: Any) -> None:
    """An unsure centre with a dog keeps its answer unless another part is surer."""
    searching.card["thresholds"] = {"dog": 0.5, "sure": 0.99}
    answer = post(gateway, encode(Image.new("RGB", (400, 200), (160, 160, 160))))
    assert (answer["search"], answer["box"]) == ("done", [0.375, 0.25, 0.25, 0.5])


def test_find_all_tells_each_dog_the_best_first(gateway: Any, searching: Any, two_dogs: Image.Image) -> None:
    """Every part that shows a dog is told with box, breed and predictions; one that shows none is not."""
    answer = post(gateway, encode(two_dogs), find="all", top_k=2)
    assert [dog["box"] for dog in answer["dogs"]] == [[0.05, 0.1, 0.2, 0.4], [0.75, 0.4, 0.2, 0.4]]
    assert answer["dogs"][0] == {
        "box": answer["box"],
        "breed": answer["breed"],
        "confidence": answer["confidence"],
        "dog_probability": answer["dog_probability"],
        "predictions": answer["predictions"],
    }
    assert len(answer["predictions"]) == 2


def test_find_in_a_turned_photo_uses_its_upright_form(gateway: Any, searching: Any, two_dogs: Image.Image) -> None:
    """Boxes are of the photo as it is seen: one that EXIF turns is searched upright."""
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = two_dogs.transpose(Image.Transpose.ROTATE_90)
    assert post(gateway, encode(turned, exif=exif), find="all") == post(gateway, encode(two_dogs), find="all")


@pytest.mark.parametrize("boxes", [[], [(*NOTHING, 0.4)], [(0.5, 0.5, 0.5, 0.9, 1.0)], [(0.9, 0.2, 0.1, 0.4, 1.0)]])
def test_find_all_without_a_dog_tells_none(gateway: Any, searching: Any, two_dogs: Image.Image, boxes: Any) -> None:
    """No box, one that shows no dog, or one without a size: an empty list and the centre's answer."""
    searching.boxes = boxes
    answer = post(gateway, encode(two_dogs), find="all")
    assert (answer["dogs"], answer["search"], answer["is_dog"]) == ([], "done", False)
    assert answer["box"] == [0.375, 0.25, 0.25, 0.5]


@pytest.mark.parametrize("box", [(-0.5, 0.2, 0.5, 0.8), (0.2, 0.2, 1.5, 0.8), (0.1, 0.1, math.nan, 0.5)])
def test_find_all_with_boxes_outside_the_photo_is_left_out(
    gateway: Any, searching: Any, two_dogs: Image.Image, box: tuple[float, ...]
) -> None:
    """Boxes of a faulty model that are no parts of a photo leave the centre's answer."""
    searching.boxes = [(*WHITE, 0.9), (*box, 0.8)]
    answer = post(gateway, encode(two_dogs), find="all")
    assert (answer["dogs"], answer["search"], answer["is_dog"]) == ([], "left_out", False)


@pytest.mark.parametrize("size", [(1, 1), (4000, 1), (1, 5000), (3, 2000), (20_000, 2)])
@pytest.mark.parametrize("box", [(0.0, 0.0, 1.0, 1.0), (0.5, 0.5, 0.5 + 1e-7, 0.5 + 1e-7), (0.999, 0.999, 1.0, 1.0)])
def test_find_all_in_extreme_shapes_is_answered(
    gateway: Any, searching: Any, size: tuple[int, int], box: tuple[float, ...]
) -> None:
    """Tiny and very long photos are searched like others, however small a part is."""
    searching.boxes = [(*WHITE, 0.9), (*box, 0.8)]
    answer = post(gateway, encode(Image.new("RGB", size, (255, 255, 255))), find="all")
    assert [dog["breed"] for dog in answer["dogs"]] == ["Akita"] * 2


def test_find_no_answers_as_a_model_that_cannot_search(gateway: Any, serving: Any, two_dogs: Image.Image) -> None:
    """`find=no`, and the default of a model without `locate`, have the fields that they always had."""
    plain = post(gateway, encode(two_dogs))
    assert not {"box", "search", "dogs"} & set(plain)
    serving.card["locates"] = True
    serving.version += 1
    answer = post(gateway, encode(two_dogs), find="no")
    assert answer == plain | {"model": answer["model"]}
    assert set(signatures(serving)) == {"pixels"}


def test_find_all_of_a_model_that_cannot_search_says_so(gateway: Any, serving: Any, two_dogs: Image.Image) -> None:
    """A model without `locate` tells the centre's dog as the only one."""
    answer = post(gateway, encode(two_dogs), find="all")
    assert answer["search"] == "unavailable"
    assert [dog["box"] for dog in answer["dogs"]] == [answer["box"]] == [[0.375, 0.25, 0.25, 0.5]]


def test_find_with_an_unknown_value_is_422(gateway: Any, photo: bytes) -> None:
    """Another value of `find` is told as wrong."""
    response = gateway.post(URL, params={"find": "some"}, files={"dog_image": photo})
    assert (response.status_code, response.json()["code"]) == (422, "invalid_request")


@pytest.mark.parametrize("signature", ["locate", "the second pixels"])
def test_find_that_fails_leaves_the_centre_s_answer(
    gateway: Any, searching: Any, two_dogs: Image.Image, signature: str
) -> None:
    """A search that the model server fails costs nothing but the search."""

    def fail() -> None:
        asked = signatures(searching)
        if asked[-1] == signature or len(asked) > 2:
            raise RuntimeError("no")

    searching.before_predict = fail
    answer = post(gateway, encode(two_dogs))
    assert (answer["search"], answer["is_dog"]) == ("left_out", False)


@pytest.mark.parametrize(
    ("find", "grey", "finished"), [("no", 0, 0), ("auto", 255, 0), ("auto", 0, 1), ("all", 255, 1)]
)
def test_find_decodes_a_photo_once_and_finishes_the_whole_only_for_a_search(
    gateway: Any, searching: Any, monkeypatch: pytest.MonkeyPatch, find: str, grey: int, finished: int
) -> None:
    """The decoding processes get a photo once, whatever is searched, and its whole again only to search it."""
    sent: list[tuple[dict[str, Any], bytes]] = []
    send = worker_process.send

    def watch(peer: Any, header: dict[str, Any], payload: bytes) -> None:
        sent.append((header, payload))
        send(peer, header, payload)

    monkeypatch.setattr(worker_process, "send", watch)
    photo = encode(Image.new("RGB", (400, 200), (grey,) * 3))
    post(gateway, photo, find=find)
    assert [payload for header, payload in sent if "finish" not in header] == [photo]
    assert len(sent) == 1 + finished


def test_find_in_a_full_gateway_is_left_out(searching: Any, start_gateway: Any, two_dogs: Image.Image) -> None:
    """Photos in work are not searched, and say so, while a new one would be refused; later ones are searched."""
    gateway = start_gateway(serving_address=searching.address, min_in_flight=2, max_in_flight=2, max_wait_seconds=0)
    together = threading.Barrier(2, timeout=60)
    searching.before_predict = lambda: together.wait() if len(signatures(searching)) <= 2 else None
    with ThreadPoolExecutor(2) as callers:
        answers = list(callers.map(lambda _: post(gateway, encode(two_dogs), find="all"), range(2)))
    left_out = [answer for answer in answers if answer["search"] == "left_out"]
    assert left_out
    assert (left_out[0]["dogs"], left_out[0]["is_dog"]) == ([], False)
    assert post(gateway, encode(two_dogs), find="all")["search"] == "done"


def test_find_with_others_waiting_is_done(searching: Any, start_gateway: Any, two_dogs: Image.Image) -> None:
    """Photos that wait in time are no reason to leave a search out."""
    gateway = start_gateway(serving_address=searching.address, min_in_flight=2, max_in_flight=2)
    with ThreadPoolExecutor(8) as callers:
        answers = list(callers.map(lambda _: post(gateway, encode(two_dogs), find="all"), range(8)))
    assert {answer["search"] for answer in answers} == {"done"}


def test_predict_many_with_find_tells_the_dogs_of_each(gateway: Any, searching: Any, two_dogs: Image.Image) -> None:
    """Streams and the Python client carry boxes and dogs, as single photos do."""
    photo = encode(two_dogs)
    with Detector(str(gateway.base_url)) as detector:
        alone = detector.predict(photo, find="all")
        (answer,) = detector.predict_many([photo], find="all")
        assert answer.prediction == alone
        assert [dog.box for dog in alone.dogs or []] == [(0.05, 0.1, 0.2, 0.4), (0.75, 0.4, 0.2, 0.4)]
        assert (alone.search, alone.box) == ("done", (0.05, 0.1, 0.2, 0.4))
        plain = detector.predict(photo, find="no")
        assert (plain.box, plain.search, plain.dogs) == (None, None, None)
