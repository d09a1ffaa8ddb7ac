"""Fair queue: first come, first served between callers, so that one with many photos keeps nobody else waiting."""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import Generic, TypeVar

T = TypeVar("T")


class FairQueue(Generic[T]):
    """A queue in which the callers take turns; of one caller's own items, the first comes first."""

    def __init__(self) -> None:
        # The caller whose turn is next stands first.
        self._by_caller: OrderedDict[str, deque[T]] = OrderedDict()
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def turns_before(self, caller: str) -> int:
        """Return how many items would leave before one that this caller added now."""
        own = len(self._by_caller.get(caller, ()))
        if own == 0:
            return len(self._by_caller)
        return sum(min(len(items), own + 1) for items in self._by_caller.values())

    def add(self, caller: str, item: T) -> None:
        """Add an item behind all others of its caller."""
        self._by_caller.setdefault(caller, deque()).append(item)
        self._length += 1

    def discard(self, caller: str, item: T) -> None:
        """Remove an item, if it has not left."""
        items = self._by_caller.get(caller, deque())
        if item not in items:
            return
        items.remove(item)
        self._length -= 1
        if not items:
            del self._by_caller[caller]

    def pop(self) -> T:
        """Remove and return the next item; raises IndexError if there is none."""
        if not self._by_caller:
            raise IndexError("the queue is empty")
        caller, items = self._by_caller.popitem(last=False)
        item = items.popleft()
        self._length -= 1
        if items:
            self._by_caller[caller] = items
        return item

    def pop_last(self) -> T:
        """Remove and return the item that would leave last; raises IndexError if there is none."""
        if not self._by_caller:
            raise IndexError("the queue is empty")
        caller = max(reversed(self._by_caller), key=lambda one: len(self._by_caller[one]))
        item = self._by_caller[caller][-1]
        self.discard(caller, item)
        return item
