"""The limit finds what a server stands, whatever its size, and follows when that changes; all in simulated time."""

from __future__ import annotations

import heapq
import random
from dataclasses import dataclass, field

import pytest

from detector_api.prediction.concurrency_limit import ConcurrencyLimit


@dataclass
class SimulatedServer:
    """Works on `capacity` photos at once, each for about a second, and lets the others wait in order.

    It is offered more than it can do: as soon as a place is free there is a photo for it.
    """

    limit: ConcurrencyLimit
    capacity: int
    now: float = 0.0
    chance: random.Random = field(default_factory=lambda: random.Random(7))
    ends: list[tuple[float, float]] = field(default_factory=list)  # of photos in work: end, start
    free_at: list[float] = field(default_factory=list)  # of each worker

    def run(self, photos: int) -> list[float]:
        """Answer so many photos; return how many times its unloaded time each took."""
        slowdowns = []
        self.free_at = sorted([*self.free_at, *[self.now] * self.capacity])[-self.capacity :]
        heapq.heapify(self.free_at)
        for _ in range(photos):
            while len(self.ends) < self.limit.places:
                unloaded = self.chance.uniform(0.8, 1.2)
                end = max(self.now, heapq.heappop(self.free_at)) + unloaded
                heapq.heappush(self.free_at, end)
                heapq.heappush(self.ends, (end, self.now))
            in_work = len(self.ends)
            self.now, start = heapq.heappop(self.ends)
            slowdowns.append(self.now - start)
            self.limit.observe(slowdowns[-1], in_work)
        return slowdowns


@pytest.mark.parametrize("capacity", [1, 4, 64])
def test_observe_photos_of_a_server_finds_its_size(capacity: int) -> None:
    """The limit settles between what keeps the server busy and what makes photos wait for long."""
    limit = ConcurrencyLimit(least=1, most=256, max_slowdown=2)
    server = SimulatedServer(limit, capacity)
    server.run(3_000)
    start, places = server.now, []
    slowdowns = []
    for _ in range(100):
        slowdowns += server.run(100)
        places.append(limit.places)
    assert capacity <= min(places)
    assert max(places) <= 3 * capacity
    assert sorted(slowdowns)[int(0.99 * len(slowdowns))] <= 3
    assert 10_000 / (server.now - start) > 0.95 * capacity  # photos a second


def test_observe_photos_of_a_server_that_changes_follows_it() -> None:
    """A server that loses most of its machines, and gets them back, is used as far as it goes each time."""
    limit = ConcurrencyLimit(least=4, most=256, max_slowdown=2)
    server = SimulatedServer(limit, 64)
    server.run(5_000)
    assert 64 <= limit.places <= 192
    server.capacity = 4
    server.run(2_000)
    assert 4 <= limit.places <= 12
    server.capacity = 64
    server.run(10_000)
    assert 64 <= limit.places <= 192


def test_observe_stays_within_its_bounds() -> None:
    """However late photos are, some are taken in; however quick, no more than memory has room for."""
    limit = ConcurrencyLimit(least=4, most=10, max_slowdown=2)
    for _ in range(1_000):
        limit.observe(1, limit.places)
    assert limit.places == 10
    for _ in range(1_000):
        limit.observe(float("inf"), limit.places)
    assert limit.places == 4


def test_observe_with_few_photos_in_work_changes_nothing() -> None:
    """A limit that is not reached is no reason for lateness, and nothing shows that more would go well."""
    limit = ConcurrencyLimit(least=4, most=256, max_slowdown=2)
    for _ in range(10):
        limit.observe(1, limit.places)
    places = limit.places
    for slowdown in (1, 100):
        for _ in range(100):
            limit.observe(slowdown, places // 2)
    assert limit.places == places
