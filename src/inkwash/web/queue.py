"""A bounded queue of sampling jobs: some run, some wait with their position, and further ones are rejected."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from inkwash.errors import InkwashError


@dataclass(eq=False)
class Ticket:
    """The place of one job in a queue; `leave` must be called at its end, whether or not it ran."""

    queue: JobQueue
    moved: asyncio.Event = field(default_factory=asyncio.Event)

    async def ahead(self) -> AsyncIterator[int]:
        """Yield the number of jobs ahead whenever it changes, until this job may run."""
        last = None
        while self in self.queue.waiting and not self.queue.is_closed:
            self.moved.clear()
            now = self.queue.waiting.index(self) + 1
            if now != last:
                last = now
                yield now
            await self.moved.wait()

    def leave(self) -> None:
        """Leave the queue and let the next job run; a second call does nothing."""
        for group in (self.queue.waiting, self.queue.running):
            if self in group:
                group.remove(self)
        self.queue.advance()


@dataclass
class JobQueue:
    """At most `at_once` jobs run and `max_waiting` wait."""

    at_once: int = 2
    max_waiting: int = 32
    waiting: list[Ticket] = field(default_factory=list)
    running: list[Ticket] = field(default_factory=list)
    is_closed: bool = False

    def close(self) -> None:
        """End all jobs: running ones between two steps, waiting ones without a start."""
        self.is_closed = True
        for ticket in self.waiting:
            ticket.moved.set()

    def join(self) -> Ticket:
        """Return a ticket at the end of the queue. Raises `InkwashError` with the code "busy" when it is full."""
        if len(self.waiting) >= self.max_waiting:
            raise InkwashError(f"busy: {len(self.waiting)} jobs are waiting; try again in a moment", code="busy")
        ticket = Ticket(self)
        self.waiting.append(ticket)
        self.advance()
        return ticket

    def advance(self) -> None:
        """Start the first waiting jobs while there is room, and wake the others to update their position."""
        while self.waiting and len(self.running) < self.at_once:
            self.running.append(self.waiting.pop(0))
            self.running[-1].moved.set()
        for ticket in self.waiting:
            ticket.moved.set()
