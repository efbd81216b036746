"""The LRU cache: each value is computed once, and a computation blocks only requests for its own key."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from inkwash.web.lru_cache import LRUCache

SOON = 20


def test_concurrent_requests_for_a_key_compute_it_once() -> None:
    cache, made, all_here = LRUCache[str, object](2), Counter[str](), threading.Barrier(8)

    def get(key: str) -> object:
        def make() -> object:
            made[key] += 1
            return object()

        all_here.wait(SOON)
        return cache.get(key, make)

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(get, "aabbaabb"))
    assert made == {"a": 1, "b": 1}
    assert len({id(value) for value in found}) == 2


def test_other_keys_do_not_wait_for_a_computation() -> None:
    cache, begun, resume = LRUCache[str, str](2), threading.Event(), threading.Event()

    def slow() -> str:
        begun.set()
        assert resume.wait(SOON)
        return "slow"

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(cache.get, "slow", slow)
        assert begun.wait(SOON)
        # If this waited, the first computation would time out.
        assert cache.get("quick", lambda: "quick") == "quick"
        resume.set()
        assert first.result(SOON) == "slow"


def test_least_recently_used_value_is_evicted() -> None:
    cache = LRUCache[int, int](2)
    computed = []

    def get(key: int) -> int:
        return cache.get(key, lambda: computed.append(key) or key)  # type: ignore[func-returns-value]

    for key in (1, 2, 1, 3, 1, 2):
        get(key)
    assert computed == [1, 2, 3, 2]


def test_exception_is_raised_and_not_cached() -> None:
    cache = LRUCache[str, int](2)
    with pytest.raises(ZeroDivisionError):
        cache.get("a", lambda: 1 // 0)
    assert cache.get("a", lambda: 7) == 7
