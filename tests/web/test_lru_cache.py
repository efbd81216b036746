"""What is held: made once, the latest few, and nobody waits for what he did not ask for."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from inkwash.web.lru_cache import LRUCache

SOON = 20


def test_many_who_ask_at_once_get_one_value_that_is_made_once() -> None:
    held, made, all_here = LRUCache[str, object](2), Counter[str](), threading.Barrier(8)

    def ask(key: str) -> object:
        def make() -> object:
            made[key] += 1
            return object()

        all_here.wait(SOON)
        return held.get(key, make)

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(ask, "aabbaabb"))
    assert made == {"a": 1, "b": 1}
    assert len({id(value) for value in found}) == 2


def test_another_key_does_not_wait_for_one_that_is_being_made() -> None:
    held, begun, go_on = LRUCache[str, str](2), threading.Event(), threading.Event()

    def slow() -> str:
        begun.set()
        assert go_on.wait(SOON)
        return "slow"

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(held.get, "slow", slow)
        assert begun.wait(SOON)
        # were it to wait, the first would time out
        assert held.get("quick", lambda: "quick") == "quick"
        go_on.set()
        assert first.result(SOON) == "slow"


def test_the_one_unused_for_longest_goes() -> None:
    held = LRUCache[int, int](2)
    asked = []

    def ask(key: int) -> int:
        return held.get(key, lambda: asked.append(key) or key)  # type: ignore[func-returns-value]

    for key in (1, 2, 1, 3, 1, 2):
        ask(key)
    assert asked == [1, 2, 3, 2]


def test_an_error_is_passed_on_and_tried_anew() -> None:
    held = LRUCache[str, int](2)
    with pytest.raises(ZeroDivisionError):
        held.get("a", lambda: 1 // 0)
    assert held.get("a", lambda: 7) == 7
