"""The line: so many draw, so many wait and know how many are ahead, the rest are turned away, and all get their turn."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inkwash.web.queue import JobQueue, QueueFullError

T = TypeVar("T")


def apart(work: Coroutine[Any, Any, T]) -> T:
    """Do `work` in a thread of its own: a browser of other tests may leave a loop running in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


async def turn(line: JobQueue, said: list[int] | None = None) -> None:
    place = line.join()
    try:
        async for ahead in place.ahead():
            if said is not None:
                said.append(ahead)
        assert place in line.running and len(line.running) <= line.at_once
        await asyncio.sleep(0)
    finally:
        place.leave()


@given(st.integers(1, 4), st.integers(1, 30))
def test_everyone_has_a_turn_and_no_more_draw_than_may(at_once: int, many: int) -> None:
    line = JobQueue(at_once, max_waiting=30)

    async def run() -> None:
        await asyncio.wait_for(asyncio.gather(*(turn(line) for _ in range(many))), 5)

    apart(run())
    assert not line.waiting and not line.running


def test_one_who_waits_is_told_how_many_are_ahead_as_that_falls() -> None:
    async def run() -> list[int]:
        line, said = JobQueue(1, 10), []
        first, second = line.join(), line.join()
        task = asyncio.create_task(turn(line, said))
        await asyncio.sleep(0.01)
        second.leave()
        await asyncio.sleep(0.01)
        first.leave()
        await task
        return said

    assert apart(run()) == [2, 1]


def test_a_full_line_turns_away_and_one_who_leaves_makes_room() -> None:
    async def run() -> None:
        line = JobQueue(1, 2)
        places = [line.join() for _ in range(3)]
        with pytest.raises(QueueFullError, match="2 jobs"):
            line.join()
        places[1].leave()
        places[1].leave()
        assert line.join() in line.waiting
        places[0].leave()
        assert line.running == [places[2]]

    apart(run())
