"""Fair queue: the callers take turns, and what is foretold comes true."""

from __future__ import annotations

import random

import pytest

from detector_api.prediction.fair_queue import FairQueue


def drain(queue: FairQueue[str]) -> list[str]:
    return [queue.pop() for _ in range(len(queue))]


def test_pop_takes_turns_between_callers() -> None:
    """Each caller has one item in each round; of its own, the first that came is the first."""
    queue: FairQueue[str] = FairQueue()
    for caller, item in ("a", "a1"), ("a", "a2"), ("a", "a3"), ("b", "b1"), ("c", "c1"), ("b", "b2"):
        queue.add(caller, item)
    assert drain(queue) == ["a1", "b1", "c1", "a2", "b2", "a3"]
    with pytest.raises(IndexError):
        queue.pop()


def test_turns_before_counts_those_that_leave_first() -> None:
    """For any state of the queue the number told is at most one round off what a new item then waits for."""
    chance = random.Random(1)
    for _ in range(200):
        queue: FairQueue[str] = FairQueue()
        for number in range(chance.randrange(20)):
            queue.add(chance.choice("abcd"), str(number))
        for _ in range(min(len(queue), chance.randrange(4))):
            queue.pop()
        told = queue.turns_before("a")
        queue.add("a", "new")
        assert abs(told - drain(queue).index("new")) <= 3


def test_pop_last_takes_what_would_leave_last() -> None:
    """Whatever the callers have waiting, the item taken is the last that would have had its turn."""
    chance = random.Random(2)
    for _ in range(200):
        queue, same = FairQueue[str](), FairQueue[str]()
        for number in range(1, chance.randrange(2, 20)):
            caller = chance.choice("abcd")
            queue.add(caller, str(number))
            same.add(caller, str(number))
        assert [queue.pop_last(), *reversed(drain(queue))] == [*reversed(drain(same))]
    with pytest.raises(IndexError):
        queue.pop_last()


def test_discard_removes_an_item_once() -> None:
    """A caller who gives up leaves nothing behind, and an item that has left is no error."""
    queue: FairQueue[str] = FairQueue()
    queue.add("a", "a1")
    queue.add("b", "b1")
    queue.discard("a", "a1")
    queue.discard("a", "a1")
    queue.discard("c", "c1")
    assert (len(queue), queue.turns_before("c")) == (1, 1)
    assert drain(queue) == ["b1"]
