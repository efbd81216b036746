"""The queue: a bounded number of jobs runs, a bounded number waits with its position, and the rest is rejected."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inkwash.errors import InkwashError
from inkwash.web.queue import JobQueue

T = TypeVar("T")


def run_in_thread(work: Coroutine[Any, Any, T]) -> T:
    """Run `work` in another thread, because the browser of other tests may leave an event loop running in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


async def job(queue: JobQueue, positions: list[int] | None = None) -> None:
    ticket = queue.join()
    try:
        async for ahead in ticket.ahead():
            if positions is not None:
                positions.append(ahead)
        assert ticket in queue.running and len(queue.running) <= queue.at_once
        await asyncio.sleep(0)
    finally:
        ticket.leave()


@given(st.integers(1, 4), st.integers(1, 30))
def test_every_job_runs_and_at_most_at_once_run_together(at_once: int, many: int) -> None:
    queue = JobQueue(at_once, max_waiting=30)

    async def run() -> None:
        await asyncio.wait_for(asyncio.gather(*(job(queue) for _ in range(many))), 5)

    run_in_thread(run())
    assert not queue.waiting and not queue.running


def test_waiting_job_gets_its_decreasing_position() -> None:
    async def run() -> list[int]:
        queue = JobQueue(1, 10)
        positions: list[int] = []
        first, second = queue.join(), queue.join()
        task = asyncio.create_task(job(queue, positions))
        await asyncio.sleep(0.01)
        second.leave()
        await asyncio.sleep(0.01)
        first.leave()
        await task
        return positions

    assert run_in_thread(run()) == [2, 1]


def test_full_queue_refuses_until_a_job_leaves() -> None:
    async def run() -> None:
        queue = JobQueue(1, 2)
        tickets = [queue.join() for _ in range(3)]
        with pytest.raises(InkwashError) as error:
            queue.join()
        assert error.value.code == "busy"
        tickets[1].leave()
        tickets[1].leave()
        assert queue.join() in queue.waiting
        tickets[0].leave()
        assert queue.running == [tickets[2]]

    run_in_thread(run())


def test_closed_queue_ends_the_wait_of_every_job() -> None:
    async def work() -> None:
        queue = JobQueue(1)
        first, second = queue.join(), queue.join()
        waiting = asyncio.create_task(anext(aiter(second.ahead()), None))
        assert await waiting == 1
        ahead = second.ahead()
        assert await anext(ahead) == 1
        queue.close()
        assert [each async for each in ahead] == [] and queue.is_closed
        assert first in queue.running and second not in queue.running

    run_in_thread(work())
