"""Far more photos than the gateway takes: each gets its own answer or an honest refusal, then all is as before."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from benchmarks.load import Outcome, Sender, judge
from tests.real_serving import gateway, local_server, save_model, status, wait_until


def noise(number: int) -> bytes:
    buffer = io.BytesIO()
    Image.effect_noise((200, 200), 50 + 10 * number).convert("RGB").save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize(("max_wait_seconds", "verdicts"), [(60, {"right"}), (0, {"right", "refused"})])
def test_gateway_under_a_burst_answers_right_or_refuses(
    tmp_path: Path, free_ports: Callable[[int], list[int]], max_wait_seconds: int, verdicts: set[str]
) -> None:
    """Of 1,000 photos at once those that may wait are all answered, else some are refused; none is lost or wrong."""
    save_model(tmp_path / "1")
    ports = free_ports(2)
    with (
        local_server(tmp_path, ports[0]),
        gateway(*ports, max_in_flight=8, deadline_seconds=120, max_wait_seconds=max_wait_seconds) as (_, client),
    ):
        wait_until(lambda: status(client, "/readyz") == 200)
        known, loaded, after = asyncio.run(burst(ports[1]))
        metrics = client.get("/metrics").text
    counts = judge(loaded, known)
    assert set(counts) == verdicts, counts
    assert judge(after, known) == {"right": 50}
    assert f"detector_photos_refused_total {counts['refused']}.0" in metrics
    assert "detector_photos_in_work 0.0" in metrics


async def burst(port: int) -> tuple[list[Outcome], list[Outcome], list[Outcome]]:
    """Send photos alone, then a thousand at once, then alone again."""
    sender = Sender(port, [noise(number) for number in range(8)])
    known = await sender.in_turn(8)
    loaded = await sender.offer(rate=10_000, seconds=0.1)
    after = await sender.in_turn(50)
    sender.close()
    return known, loaded, after
