"""A browser before the page: Debian's chromium through Playwright, and a server of its own on loopback.

Skipped with a reason where either is missing; `.ci/run` installs both.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SIZES = {"desktop": {"width": 1280, "height": 900}, "phone": {"width": 390, "height": 844}}
PATIENCE = 30_000
"""Milliseconds before a picture that does not come is a failure; machines of tests are slow and shared."""


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where a server of this checkout listens; its folder of runs holds one short run."""
    folder = tmp_path_factory.mktemp("playground")
    train = ["train", "digits", "--steps", "30", "--out", "runs/short", "--quiet"]
    small = ["--set", "network.widths=[8,16]", "--set", "training.batch=16", "--set", "sampling.preview=ddim:2"]
    subprocess.run([sys.executable, "-m", "inkwash", *train, *small], cwd=folder, check=True)
    command = [sys.executable, "-m", "inkwash", "serve", "--port", "0", "--quiet"]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True, env=environment) as server:
        assert server.stdout is not None
        yield server.stdout.readline().strip()
        server.terminate()


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """A headless chromium."""
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="the page is tested with Playwright: pip install playwright"
    )
    if CHROMIUM is None:
        pytest.skip("the page is tested in chromium: apt install chromium")
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield started
        started.close()


@pytest.fixture(params=SIZES)
def size(request: pytest.FixtureRequest) -> str:
    """A desktop's and a phone's."""
    return str(request.param)


@pytest.fixture
def page(browser: Any, size: str) -> Iterator[Any]:
    """A fresh page; a fault on its console, or a request that leaves the machine, is a failure."""
    context = browser.new_context(viewport=SIZES[size], has_touch=size == "phone", accept_downloads=True)
    opened = context.new_page()
    opened.set_default_timeout(PATIENCE)
    faults: list[str] = []
    opened.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
    opened.on("pageerror", lambda error: faults.append(str(error)))
    opened.on("request", lambda sent: faults.append(sent.url) if not _stays(sent.url) else None)
    yield opened
    context.close()
    assert not faults


def _stays(url: str) -> bool:
    return url.startswith(("http://127.0.0.1:", "data:", "blob:"))
