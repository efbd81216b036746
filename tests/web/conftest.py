"""Fixtures of the server tests: an application over the bundled models and an empty folder of runs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from inkwash.web import server
from inkwash.web.catalog import Catalog


@pytest.fixture(scope="session")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """The bundled models, and an empty folder of runs."""
    return Catalog((), tmp_path_factory.mktemp("runs"))


@pytest.fixture
def client(catalog: Catalog) -> Iterator[TestClient]:
    """A client of an application without a token."""
    with TestClient(
        server.create_app(catalog), base_url="http://localhost:8000", raise_server_exceptions=False
    ) as made:
        yield made


@pytest.fixture
def sample(client: TestClient) -> Callable[..., list[tuple[str, dict[str, Any]]]]:
    """`sample(seeds=[1, 2], steps=3)` returns the events of that request to the smallest bundled model."""

    def call(**fields: Any) -> list[tuple[str, dict[str, Any]]]:
        response = client.post("/api/sample", json={"model": "digits", "seeds": [0], "steps": 2} | fields)
        assert response.status_code == 200, response.text
        assert response.headers["content-type"].startswith("text/event-stream")
        return events(response.text)

    return call


def events(text: str) -> list[tuple[str, dict[str, Any]]]:
    """Return the events of a stream."""
    blocks = [block.split("\n") for block in text.strip().split("\n\n")]
    return [(first.removeprefix("event: "), json.loads(second.removeprefix("data: "))) for first, second in blocks]


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    """A run of a few steps on the bundled digits."""
    import inkwash

    folder = tmp_path / "runs" / "mine"
    inkwash.train(
        "digits",
        "digits",
        folder,
        "4 steps",
        network__widths=[8, 16],
        training__batch=8,
        sampling__preview="ddim:2",
    )
    return folder
