"""A bounded line: so many draw at once, so many wait and are told how many are ahead, the rest are turned away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from inkwash.errors import InkwashError


class LineFullError(InkwashError):
    """The line is as long as it may be."""


@dataclass(eq=False)
class Place:
    """One's place in a line; to be left by `leave`, whether its turn came or not."""

    line: Line
    moved: asyncio.Event = field(default_factory=asyncio.Event)

    async def ahead(self) -> AsyncIterator[int]:
        """Yield how many are ahead, whenever that changes, until it is this one's turn."""
        said = None
        while self in self.line.waiting:
            self.moved.clear()
            now = self.line.waiting.index(self) + 1
            if now != said:
                said = now
                yield now
            await self.moved.wait()

    def leave(self) -> None:
        """Go, and let the next one come; a second time does nothing."""
        for group in (self.line.waiting, self.line.drawing):
            if self in group:
                group.remove(self)
        self.line.call()


@dataclass
class Line:
    """At most `at_once` draw and `longest` wait."""

    at_once: int = 2
    longest: int = 32
    waiting: list[Place] = field(default_factory=list)
    drawing: list[Place] = field(default_factory=list)

    def join(self) -> Place:
        """Return a place at the end of the line. Raises `LineFullError` when there is none."""
        if len(self.waiting) >= self.longest:
            raise LineFullError(f"busy: {len(self.waiting)} are waiting already; try again in a moment")
        place = Place(self)
        self.waiting.append(place)
        self.call()
        return place

    def call(self) -> None:
        """Let those in front begin while there is room, and tell everyone that the line has moved."""
        while self.waiting and len(self.drawing) < self.at_once:
            self.drawing.append(self.waiting.pop(0))
            self.drawing[-1].moved.set()
        for place in self.waiting:
            place.moved.set()
