"""The server: the files of the page, its JSON endpoints, and samples as a stream of server-sent events."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from importlib import resources
from typing import Any

from anyio import CapacityLimiter, fail_after, to_thread
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.types import Message, Receive, Scope, Send

from inkwash.data.spec import DatasetSpec
from inkwash.errors import InkwashError, UsageError
from inkwash.web import api_reference, denoising, figures, nearest, schemas
from inkwash.web.catalog import Catalog, CatalogEntry
from inkwash.web.events import Event, events
from inkwash.web.lru_cache import LRUCache
from inkwash.web.page_files import PageFiles
from inkwash.web.point_losses import distribution_of, point_losses
from inkwash.web.queue import JobQueue, Ticket
from inkwash.web.restoring import sample_parameters
from inkwash.web.security import AccessMiddleware, TooLargeError, error_response

WRITE_TIMEOUT = 20.0
"""Seconds after which a client that reads nothing loses its place: its job would block those that wait."""

KEPT_LOSSES = 16
"""Models of points whose losses are kept, which take seconds to measure."""

PAGE = resources.files("inkwash.web") / "page"


def create_app(catalog: Catalog, token: str | None = None, queue: JobQueue | None = None) -> Starlette:
    """Return the application, whose jobs run in `queue`; a `token` that is given is required."""
    jobs = queue or JobQueue()
    server = Server(catalog, jobs, CapacityLimiter(jobs.at_once))
    routes = [
        *(Route(each.path, getattr(server, each.handler), methods=[each.method]) for each in api_reference.ENDPOINTS),
        Route("/api", lambda request: HTMLResponse(api_reference.page())),
        Mount("/", PageFiles(directory=str(PAGE), html=True)),
    ]
    return Starlette(
        routes=routes,
        middleware=[Middleware(AccessMiddleware, token=token)],
        exception_handlers={InkwashError: _failed, TooLargeError: _too_large, ClientDisconnect: _client_left},
    )


class Server:
    """The handlers of `api_reference.ENDPOINTS`, over a catalog of models and a queue of jobs."""

    def __init__(self, catalog: Catalog, queue: JobQueue, limiter: CapacityLimiter) -> None:
        self.catalog, self.queue, self.limiter = catalog, queue, limiter
        self._losses: LRUCache[tuple[str, float], dict[str, Any] | None] = LRUCache(KEPT_LOSSES)

    async def models(self, request: Request) -> Response:
        """Return the descriptions of all models."""
        found = await to_thread.run_sync(lambda: [entry.describe() for entry in self.catalog.entries()])
        return JSONResponse(found)

    async def model(self, request: Request) -> Response:
        """Return the description and the card of one model."""
        entry = await self._entry(request)
        return JSONResponse(await to_thread.run_sync(lambda: entry.describe() | figures.card(entry)))

    async def _entry(self, request: Request) -> CatalogEntry:
        # Look up in a thread, because an unknown name is looked up on the disk.
        return await to_thread.run_sync(self.catalog.entry, request.path_params["name"])

    async def history(self, request: Request) -> Response:
        """Return the training history of a run."""
        entry = await self._entry(request)
        key, spec = (entry.name, entry.written), DatasetSpec.from_dict(entry.header["facts"])

        def respond() -> Response:
            return JSONResponse(figures.history(entry, self._losses.find(key)))

        # Losses of points are measured anew, once for each checkpoint; while it is trained, those of the run are shown.
        if distribution_of(spec) is None or entry.training or self._losses.find(key) is not None:
            return await to_thread.run_sync(respond)

        def measure() -> Response:
            # Without its network the model still has the losses of its run.
            with suppress(InkwashError):
                self._losses.get(key, lambda: point_losses(self.catalog.model(entry.name)))
            return respond()

        return await self._in_turn(request, measure)

    async def milestone(self, request: Request) -> Response:
        """Return the sample grid of one milestone."""
        entry = await self._entry(request)
        return JSONResponse(await to_thread.run_sync(figures.milestone, entry, request.path_params["milestone"]))

    async def schedule(self, request: Request) -> Response:
        """Return the noise schedules of a model."""
        name = request.path_params["name"]
        return JSONResponse(await to_thread.run_sync(lambda: figures.schedule(self.catalog.model(name))))

    async def quality(self, request: Request) -> Response:
        """Return the measured quality of all models of the same data set."""
        entry = await self._entry(request)
        rows = await to_thread.run_sync(lambda: figures.quality(self.catalog.entries(), entry.header["facts"]["data"]))
        return JSONResponse(rows)

    async def prompt(self, request: Request) -> Response:
        """Return what a prompt means, or why it is refused: half a prompt is no failed request."""
        body = schemas.read(await request.body(), schemas.PromptBody)
        model = await to_thread.run_sync(self.catalog.model, body.model)
        try:
            return JSONResponse(await to_thread.run_sync(body.meaning, model))
        except UsageError as error:
            return JSONResponse({"problem": _problem(error)})

    async def parameters(self, request: Request) -> Response:
        """Return the parameters of the view Sample for the metadata of an image."""
        body = schemas.read(await request.body(), schemas.MetadataBody)
        return JSONResponse(await to_thread.run_sync(sample_parameters, body.request, self.catalog))

    async def sample(self, request: Request) -> Response:
        """Sample, streaming every step as an event."""
        body = schemas.read(await request.body(), schemas.SampleBody)
        model = await to_thread.run_sync(self.catalog.model, body.model)
        exact = await to_thread.run_sync(self.catalog.exact, body.model) if body.exact else None
        # Resolve once before the stream starts, so that an invalid request gets an HTTP status.
        body.resolve(model)
        ticket = self.queue.join()
        return _Stream(ticket, self._stream(request, ticket, lambda: events(model, body, exact)))

    async def live(self, request: Request) -> Response:
        """Sample a few images and return their pixels, in the order of the queue."""
        body = schemas.read(await request.body(), schemas.LiveBody)
        return await self._in_turn(request, lambda: self._pixels(body))

    async def denoise(self, request: Request) -> Response:
        """Noise an image and denoise it once, by the network and by the exact denoiser, in the order of the queue."""
        body = schemas.read(await request.body(), schemas.DenoiseBody)
        return await self._in_turn(request, lambda: JSONResponse(denoising.respond(self.catalog, body)))

    async def nearest(self, request: Request) -> Response:
        """Return the nearest training image of an image, in the order of the queue."""
        body = schemas.read(await request.body(), schemas.ImageBody)
        return await self._in_turn(request, lambda: JSONResponse(nearest.respond(self.catalog, body)))

    async def _in_turn(self, request: Request, job: Callable[[], Response]) -> Response:
        """Return the response of `job`, run in the order of the queue; an empty one to a client that left it."""
        ticket = self.queue.join()
        try:
            async for _ in ticket.ahead():
                if await request.is_disconnected():
                    return Response(status_code=204)
            if self.queue.is_closed:
                return error_response("the server is stopping", 503, "busy")
            # One job in one thread: at one evaluation, each change of threads counts.
            return await to_thread.run_sync(job, limiter=self.limiter)
        finally:
            ticket.leave()

    def _pixels(self, body: schemas.LiveBody) -> Response:
        run = body.resolve(self.catalog.model(body.model))
        (batch,) = run.batches(len(run))
        return Response(batch.values.numpy().tobytes(), media_type="application/octet-stream")

    async def _stream(self, request: Request, ticket: Ticket, begin: Callable[[], Any]) -> AsyncIterator[bytes]:
        try:
            async for ahead in ticket.ahead():
                yield _encoded(("waiting", {"ahead": ahead}))
                if await request.is_disconnected():
                    return
            job = begin()
            while not self.queue.is_closed and not await request.is_disconnected():
                # Run one step at a time: between two steps a closed connection is noticed and other jobs run.
                event = await to_thread.run_sync(next, job, None, limiter=self.limiter)
                if event is None:
                    return
                yield _encoded(event)
        except InkwashError as error:
            yield _encoded(("failed", _problem(error)))


class _Stream(StreamingResponse):
    """A stream of events that leaves the queue when it ends, for whatever reason."""

    def __init__(self, ticket: Ticket, content: AsyncIterator[bytes]) -> None:
        super().__init__(content, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})
        self.ticket = ticket

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def timed(message: Message) -> None:
            with fail_after(WRITE_TIMEOUT):
                await send(message)

        # Do this outside the generator, which never starts when the client disconnects at once.
        try:
            await super().__call__(scope, receive, timed)
        except* TimeoutError:
            pass
        finally:
            self.ticket.leave()


def _encoded(event: Event) -> bytes:
    name, values = event
    return f"event: {name}\ndata: {json.dumps(values, separators=(',', ':'))}\n\n".encode()


def _problem(error: InkwashError) -> dict[str, Any]:
    """Return an error as plain values, its message in one line."""
    return {"error": " ".join(str(error).split()), "code": error.code, "field": error.field}


async def _failed(request: Request, error: Exception) -> Response:
    assert isinstance(error, InkwashError)
    if (error.code, error.field) == ("unknown-name", "model"):
        status = 404
    else:
        status = 503 if error.code == "busy" else 422 if isinstance(error, UsageError) else 409
    response = JSONResponse(_problem(error), status)
    if status == 503:
        response.headers["Retry-After"] = "2"
    return response


async def _client_left(request: Request, error: Exception) -> Response:
    return Response(status_code=499)


async def _too_large(request: Request, error: Exception) -> Response:
    return error_response("the request is too large", 413, "too-large")
