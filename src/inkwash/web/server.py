"""The server: the page's files, what it asks for as JSON, and drawings as a stream of events."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from importlib import resources
from typing import Any

from anyio import CapacityLimiter, to_thread
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from inkwash.errors import InkwashError, UsageError
from inkwash.web import api_reference, figures, schemas
from inkwash.web.catalog import Catalog, Entry
from inkwash.web.events import Event, events
from inkwash.web.queue import Line, LineFullError, Place
from inkwash.web.security import Guard, TooLargeError, told

PAGE = resources.files("inkwash.web") / "page"


def build(catalog: Catalog, token: str | None = None, at_once: int = 2, longest: int = 32) -> Starlette:
    """Return the application: `at_once` drawings at a time, `longest` waiting; `token` is asked for where it is given."""
    server = Server(catalog, Line(at_once, longest), CapacityLimiter(at_once))
    routes = [
        *(Route(path, method, methods=[verb]) for verb, path, method in server.endpoints()),
        Route("/api", lambda request: HTMLResponse(api_reference.page())),
        Mount("/", StaticFiles(directory=str(PAGE), html=True)),
    ]
    return Starlette(
        routes=routes,
        middleware=[Middleware(Guard, token=token)],
        exception_handlers={InkwashError: _failed, TooLargeError: _too_large},  # type: ignore[dict-item]
    )


class Server:
    """The endpoints over a catalogue and a line."""

    def __init__(self, catalog: Catalog, line: Line, drawing: CapacityLimiter) -> None:
        self.catalog, self.line, self.drawing = catalog, line, drawing

    def endpoints(self) -> list[tuple[str, str, Callable[..., Any]]]:
        """Return verb, path and handler of each; `api_reference.ENDPOINTS` describes them by path."""
        return [
            ("GET", "/api/models", self.models),
            ("GET", "/api/models/{name}", self.model),
            ("GET", "/api/models/{name}/course", self.course),
            ("GET", "/api/models/{name}/pictures/{picture}", self.picture),
            ("GET", "/api/models/{name}/schedule", self.schedule),
            ("GET", "/api/models/{name}/quality", self.quality),
            ("POST", "/api/draw", self.draw),
        ]

    async def models(self, request: Request) -> Response:
        """Tell every model there is."""
        found = await to_thread.run_sync(lambda: [entry.describe() for entry in self.catalog.entries()])
        return JSONResponse(found)

    async def model(self, request: Request) -> Response:
        """Tell one model's card."""
        entry = await self._entry(request)
        return JSONResponse(await to_thread.run_sync(lambda: entry.describe() | figures.card(entry)))

    async def _entry(self, request: Request) -> Entry:
        # in a thread: a name that is new is looked for on the disk
        return await to_thread.run_sync(self.catalog.entry, request.path_params["name"])

    async def course(self, request: Request) -> Response:
        """Tell how a run goes."""
        entry = await self._entry(request)
        return JSONResponse(await to_thread.run_sync(figures.course, entry))

    async def picture(self, request: Request) -> Response:
        """Tell one milestone's picture."""
        entry = await self._entry(request)
        return JSONResponse(figures.picture(entry, request.path_params["picture"]))

    async def schedule(self, request: Request) -> Response:
        """Tell a model's levels."""
        name = request.path_params["name"]
        return JSONResponse(await to_thread.run_sync(lambda: figures.schedule(self.catalog.model(name))))

    async def quality(self, request: Request) -> Response:
        """Tell what was measured of a model, and of the others of its data."""
        entry = await self._entry(request)
        rows = await to_thread.run_sync(lambda: figures.quality(self.catalog.entries(), entry.header["facts"]["data"]))
        return JSONResponse(rows)

    async def draw(self, request: Request) -> Response:
        """Draw, and tell every moment as it comes."""
        wanted = schemas.read(await request.body())
        entry = await to_thread.run_sync(self.catalog.entry, wanted.model)
        model = await to_thread.run_sync(self.catalog.model, wanted.model)
        exact = await to_thread.run_sync(self.catalog.exact, wanted.model) if wanted.exact else None
        # once here, so that what cannot be done is refused with a status and not in the stream
        wanted.resolve(model)
        place = self.line.join()
        return _Stream(place, self._told(request, place, lambda: events(model, wanted, exact, entry.source)))

    async def _told(self, request: Request, place: Place, begin: Callable[[], Any]) -> AsyncIterator[bytes]:
        try:
            async for ahead in place.ahead():
                yield _line(("waiting", {"ahead": ahead}))
                if await request.is_disconnected():
                    return
            drawing = begin()
            while not await request.is_disconnected():
                # one moment at a time: between two of them a reader who has left is noticed, and others are heard
                event = await to_thread.run_sync(next, drawing, None, limiter=self.drawing)
                if event is None:
                    return
                yield _line(event)
        except InkwashError as error:
            yield _line(("failed", {"error": " ".join(str(error).split())}))


class _Stream(StreamingResponse):
    """A stream of events that leaves its place in the line when it ends, however that comes about."""

    def __init__(self, place: Place, content: AsyncIterator[bytes]) -> None:
        super().__init__(content, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})
        self.place = place

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # here and not in the stream itself, which a reader who leaves at once never begins
        try:
            await super().__call__(scope, receive, send)
        finally:
            self.place.leave()


def _line(event: Event) -> bytes:
    name, values = event
    return f"event: {name}\ndata: {json.dumps(values, separators=(',', ':'))}\n\n".encode()


async def _failed(request: Request, error: Exception) -> Response:
    reason = " ".join(str(error).split())
    if isinstance(error, LineFullError):
        return told(reason, 503, Retry_After="2")
    if isinstance(error, UsageError):
        return told(reason, 404 if reason.startswith("unknown model") else 422)
    return told(reason, 409)


async def _too_large(request: Request, error: Exception) -> Response:
    return told("the request is too large", 413)
