"""A cache of costly values: each is computed once, and a thread waits only for the value that it needs."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


@dataclass(eq=False)
class _Slot(Generic[V]):
    lock: threading.Lock = field(default_factory=threading.Lock)
    values: list[V] = field(default_factory=list)


class LRUCache(Generic[K, V]):
    """At most `size` values by key; the least recently used one is evicted.

    cachetools and functools compute under one lock, or several times in parallel; here every key has its own lock,
    so that loading one model does not delay requests for another.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._slots: OrderedDict[K, _Slot[V]] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, key: K) -> V | None:
        """Return the value of `key` if it has been computed, else None."""
        with self._lock:
            slot = self._slots.get(key)
        return slot.values[0] if slot is not None and slot.values else None

    def get(self, key: K, make: Callable[[], V]) -> V:
        """Return the value of `key`, computed by `make` if it is not cached; an exception of `make` caches nothing."""
        with self._lock:
            slot = self._slots.setdefault(key, _Slot())
            self._slots.move_to_end(key)
            while len(self._slots) > self.size:
                self._slots.popitem(last=False)
        # The lock is held while the value is computed: a second thread with this key waits, threads with others do not.
        with slot.lock:
            if not slot.values:
                slot.values.append(make())
            return slot.values[0]
