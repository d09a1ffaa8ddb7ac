"""Answers never mix: each of thousands of photos in work at once gets the answer of its own pixels, or none."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from tests.real_serving import REPOSITORY, URL, gateway, local_server, save_model, status, wait_until

CALLERS = 32
PHOTOS = 3_000


def encode(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def post_all(address: str, photos: list[bytes], **query: Any) -> list[Any]:
    """Send the photos over so many connections at once; return the answers in their order."""
    own = threading.local()
    clients: list[httpx.Client] = []

    def post(photo: bytes) -> Any:
        if not hasattr(own, "client"):
            own.client = httpx.Client(base_url=address, timeout=120)
            clients.append(own.client)
        response = own.client.post(URL, params=query, files={"dog_image": photo})
        assert response.status_code == 200, response.text
        return response.json()

    with ThreadPoolExecutor(CALLERS) as callers:
        answers = list(callers.map(post, photos))
    for client in clients:
        client.close()
    return answers


def test_predict_breed_of_thousands_at_once_answers_each_by_its_own_pixels(start_gateway: Any, serving: Any) -> None:
    """3,000 photos over 32 connections while versions change: each heat map is its photo's own."""
    changes = iter(range(10**9))

    def change_now_and_then() -> None:
        serving.version = 4 + next(changes) // 50

    def tell_version(reply: Any) -> Any:
        if "dog_probability" in reply.outputs:
            reply.outputs["dog_probability"].ClearField("tensor_content")
            reply.outputs["dog_probability"].float_val[:] = [reply.model_spec.version.value / 1_000]
        return reply

    serving.before_predict, serving.alter = change_now_and_then, tell_version
    client = start_gateway(serving_address=serving.address, min_in_flight=CALLERS, deadline_seconds=60)
    greys = [50 + 7 * number % 200 for number in range(PHOTOS)]  # no two alike of any 200 in a row
    encoded = {grey: encode(Image.new("RGB", (20, 20), (grey,) * 3)) for grey in set(greys)}
    answers = post_all(str(client.base_url), [encoded[grey] for grey in greys], explain=True)
    assert [answer["heatmap"][1][0] for answer in answers] == [round(grey / 255, 3) for grey in greys]
    versions = [answer["model"]["version"] for answer in answers]
    assert [answer["dog_probability"] for answer in answers] == [version / 1_000 for version in versions]
    assert len(set(versions)) > 10


def test_predict_breed_through_a_batching_server_answers_as_alone(
    tmp_path: Path, free_ports: Callable[[int], list[int]]
) -> None:
    """400 photos of noise, batched by the local server, have the answers that they have one by one."""
    save_model(tmp_path / "1")
    ports = free_ports(2)
    batching = REPOSITORY / "model_serving" / "batching" / "cpu.txt"
    photos = [encode(Image.effect_noise((24, 24), 60 + number / 10).convert("RGB")) for number in range(400)]
    with (
        local_server(tmp_path, ports[0], "--enable_batching", f"--batching_parameters_file={batching}"),
        gateway(*ports, min_in_flight=CALLERS, deadline_seconds=60) as (_, client),
    ):
        wait_until(lambda: status(client, "/readyz") == 200)
        alone = [client.post(URL, files={"dog_image": photo}).json() for photo in photos]
        together = post_all(str(client.base_url), photos)
    assert (
        len({(answer["dog_probability"], answer["confidence"]) for answer in alone}) > 390
    )  # else mixing would not show
    for one, other in zip(alone, together, strict=True):
        assert [breed["breed"] for breed in one["predictions"]] == [breed["breed"] for breed in other["predictions"]]
        for name in ("confidence", "dog_probability"):
            assert one[name] == pytest.approx(other[name], abs=1e-4)
