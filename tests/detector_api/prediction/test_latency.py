"""The unloaded time is found also where calls are never alone, and follows the model; on a clock that the test sets."""

from __future__ import annotations

import asyncio

import pytest

from detector_api.prediction import latency
from detector_api.prediction.latency import CALLS_BETWEEN, UnloadedLatency


class Clock:
    """A clock in place of `time.monotonic`, which the test moves on."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(latency, "time", clock)
    return clock


async def call(time: UnloadedLatency, clock: Clock, seconds: float) -> None:
    async with time.call():
        clock.now += seconds


def test_call_that_is_alone_falls_quickly_and_rises_slowly(clock: Clock) -> None:
    """After the first calls a shorter time is soon believed, a longer one only if it lasts."""

    async def run() -> None:
        time = UnloadedLatency()
        await call(time, clock, 3.0)  # the server warms up
        await call(time, clock, 0.1)
        assert time.seconds == pytest.approx(0.1)
        for _ in range(10):
            await call(time, clock, 0.05)
        assert time.seconds < 0.06
        await call(time, clock, 0.5)
        assert time.seconds < 0.1
        for _ in range(100):
            await call(time, clock, 0.5)
        assert time.seconds > 0.4

    asyncio.run(run())


def test_call_with_company_only_lowers_the_time(clock: Clock) -> None:
    """The time of a call among others is no measure of a call alone, unless it is less."""

    async def run() -> None:
        time = UnloadedLatency()
        for _ in range(3):
            await call(time, clock, 0.1)
        async with time.call():
            for _ in range(100):
                await call(time, clock, 0.4)
            assert time.seconds == pytest.approx(0.1)
            for _ in range(100):
                await call(time, clock, 0.05)
            assert time.seconds == pytest.approx(0.05)

    asyncio.run(run())


def test_call_under_steady_load_is_made_alone_now_and_then(clock: Clock) -> None:
    """With three callers without a pause, a few calls of a thousand have the model for themselves and all are made."""
    alone = made = under_way = begun = 0

    async def caller(time: UnloadedLatency) -> None:
        nonlocal alone, made, under_way, begun
        for _ in range(5 * CALLS_BETWEEN):
            async with time.call():
                begun += 1
                number, was_alone = begun, under_way == 0
                under_way += 1
                for _ in range(3):
                    await asyncio.sleep(0)
                under_way -= 1
                clock.now += 0.1
                alone += was_alone and number == begun
                made += 1

    async def run() -> None:
        time = UnloadedLatency()
        await asyncio.gather(*(caller(time) for _ in range(3)))

    asyncio.run(asyncio.wait_for(run(), 60))
    assert made == 15 * CALLS_BETWEEN
    assert 3 <= alone < made / 50


def test_call_after_a_new_version_learns_anew(clock: Clock) -> None:
    """A newer version that takes five times as long is believed with its first call alone; an older one is known."""

    async def run() -> None:
        time = UnloadedLatency()
        for version in (3, 3, 4, 3, 4):
            await call(time, clock, 0.1)
            time.expect(version)
        await call(time, clock, 0.1)
        time.expect(5)
        await call(time, clock, 0.5)
        assert time.seconds == pytest.approx(0.5)
        time.expect(4)
        await call(time, clock, 5.0)
        assert time.seconds < 1

    asyncio.run(run())


def test_call_that_fails_or_is_given_up_stops_nobody(clock: Clock) -> None:
    """A call that is to be made alone and whose caller leaves while it waits, or that fails, lets the others go on."""

    async def run() -> None:
        time = UnloadedLatency()
        await call(time, clock, 0.1)
        async with time.call():
            alone = asyncio.create_task(call(time, clock, 0.1))
            after = asyncio.create_task(call(time, clock, 0.1))
            await asyncio.sleep(0)
            assert not alone.done()
            assert not after.done()
            alone.cancel()
        await after
        with pytest.raises(ValueError, match="as scripted"):
            async with time.call():
                raise ValueError("as scripted")
        await call(time, clock, 0.1)

    asyncio.run(asyncio.wait_for(run(), 60))
