"""Clients that read nothing or leave, and the address that other machines can open."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from starlette.testclient import TestClient
from test_queue import run_in_thread

from inkwash.cli.serve import _own_address
from inkwash.web import server
from inkwash.web.catalog import Catalog
from inkwash.web.queue import JobQueue

SCOPE = {
    "type": "http",
    "asgi": {"version": "3.0", "spec_version": "2.0"},
    "method": "POST",
    "path": "/api/sample",
    "raw_path": b"/api/sample",
    "query_string": b"",
    "root_path": "",
    "scheme": "http",
    "server": ("localhost", 8000),
    "headers": [(b"host", b"localhost:8000"), (b"content-type", b"application/json")],
}
BODY = json.dumps({"model": "digits", "seeds": [0], "steps": 2}).encode()


def test_clients_that_read_nothing_lose_their_place(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "WRITE_TIMEOUT", 0.2)
    app = server.create_app(catalog, queue=JobQueue(1))

    async def request(reads: bool) -> list[Any]:
        sent: list[Any] = []
        received = asyncio.Queue[Any]()
        received.put_nowait({"type": "http.request", "body": BODY, "more_body": False})

        async def send(message: Any) -> None:
            if message["type"] == "http.response.body" and not reads:
                await asyncio.Event().wait()
            sent.append(message)

        await app(SCOPE, received.get, send)
        return sent

    async def run() -> list[Any]:
        stalled = asyncio.create_task(request(reads=False))
        found = await asyncio.wait_for(request(reads=True), 30)
        await asyncio.wait_for(stalled, 30)
        return found

    assert b"event: done" in b"".join(message.get("body", b"") for message in run_in_thread(run()))


def test_client_that_leaves_before_its_request_is_read_causes_no_error(catalog: Catalog) -> None:
    sent: list[Any] = []

    async def run() -> None:
        async def receive() -> Any:
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            sent.append(message)

        await server.create_app(catalog)(SCOPE, receive, send)

    run_in_thread(run())
    assert sent[0]["status"] == 499


def test_missing_token_is_explained_as_a_page_to_browsers(catalog: Catalog) -> None:
    client = TestClient(server.create_app(catalog, token="a-long-enough-word"), base_url="http://localhost:8000")
    page, program = (client.get("/", headers={"Accept": kind}) for kind in ("text/html,*/*", "application/json"))
    assert page.status_code == program.status_code == 401
    assert page.headers["content-type"].startswith("text/html") and "token is required" in page.text.lower()
    assert program.json()["code"] == "no-access"


def test_address_of_all_interfaces_is_one_that_others_can_open() -> None:
    assert _own_address("192.168.1.7") == "192.168.1.7"
    assert _own_address("0.0.0.0") not in ("0.0.0.0", "")
