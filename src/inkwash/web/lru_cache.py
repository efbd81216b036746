"""Values that are costly to make: each is made once, the latest few are held, and who asks waits for his own only."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


@dataclass(eq=False)
class _Place(Generic[V]):
    lock: threading.Lock = field(default_factory=threading.Lock)
    made: list[V] = field(default_factory=list)


class Held(Generic[K, V]):
    """At most `most` values by key; the one unused for longest goes."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._places: OrderedDict[K, _Place[V]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: K, make: Callable[[], V]) -> V:
        """Return the value of `key`, made by `make` when it is not held; an error of that is passed on, and nothing held."""
        with self._lock:
            place = self._places.setdefault(key, _Place())
            self._places.move_to_end(key)
            while len(self._places) > self.most:
                self._places.popitem(last=False)
        # held while it is made: a second who asks for the same waits, others do not
        with place.lock:
            if not place.made:
                place.made.append(make())
            return place.made[0]
