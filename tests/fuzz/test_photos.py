"""Some thousands of mutated photos, the same in every run; `python -m tests.fuzz.photos` feeds as many as one likes."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from tests.fuzz.photos import FILES_A_POST, fuzz, real_gateway

pytestmark = pytest.mark.model


def test_read_pixels_of_mutated_photos_gives_pixels_or_a_photo_error(tmp_path: Path) -> None:
    """No mutation of any kind of photo crashes a decoder, hangs it, swells its memory or raises anything else."""
    outcomes = fuzz(4_000, seed=11, folder=tmp_path)
    assert {outcome for outcome in outcomes if outcome.startswith("failure")} == set()
    assert outcomes["pixels"] > 400
    assert outcomes["DamagedPhotoError"] > 400


def test_gateway_of_mutated_photos_answers_200_or_4xx(tmp_path: Path) -> None:
    """Over HTTP, too, a mutated photo is answered or refused in words: no status says that the gateway failed."""
    with real_gateway() as client:
        outcomes = fuzz(40 * FILES_A_POST, seed=12, folder=tmp_path, client=client)
    assert {outcome for outcome in outcomes if outcome.startswith("failure")} == set()
    answered = {outcome: count for outcome, count in outcomes.items() if outcome.startswith("gateway")}
    assert sum(answered.values()) == 40
    assert {"gateway 200", "gateway 422"} <= set(answered)


def test_fuzz_of_a_gateway_that_fails_leaves_the_file(tmp_path: Path) -> None:
    """An answer of 5xx, or none, counts as a failure, and its file is kept."""

    def fail(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadError("gone")

    for transport in (httpx.MockTransport(lambda _: httpx.Response(500)), httpx.MockTransport(fail)):
        with httpx.Client(transport=transport, base_url="http://gateway") as client:
            outcomes = fuzz(1, seed=1, folder=tmp_path, client=client)
        assert sum(count for outcome, count in outcomes.items() if outcome.startswith("failure: gateway")) == 1
        (tmp_path / "1-0.bin").unlink()
