"""A browser before the page: Debian's chromium through Playwright, and a server of its own on loopback.

Skipped with a reason where either is missing; `.ci/run` installs both.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from looking import picture

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


TRAIN = [sys.executable, "-m", "inkwash", "train", "digits", "--quiet"]
SMALL = ["--set", "network.widths=[8,16]", "--set", "training.batch=16", "--set", "sampling.preview=ddim:2"]


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the server runs; its folder of runs holds one short run."""
    made = tmp_path_factory.mktemp("playground")
    subprocess.run([*TRAIN, "--steps", "30", "--out", "runs/short", *SMALL], cwd=made, check=True)
    return made


@pytest.fixture(scope="session")
def coloured(folder: Path) -> str:
    """The name of a run of two classes in colour."""
    data = folder / "dots"
    for name, colour in (("blue", (0, 0, 250)), ("red", (250, 0, 0))):
        (data / name).mkdir(parents=True, exist_ok=True)
        for number in range(20):
            (data / name / f"{number}.png").write_bytes(picture((16, 16), (colour[0], number, colour[2])))
    command = [*TRAIN, "--data", str(data), "--steps", "10", "--out", "runs/coloured", *SMALL]
    subprocess.run(command, cwd=folder, check=True)
    return "coloured"


@pytest.fixture
def training(folder: Path) -> Iterator[str]:
    """The name of a run that trains while the test looks on, and draws a picture every now and then."""
    often = ["--steps", "4000", "--set", 'training.milestones=["every 100 steps"]']
    with subprocess.Popen([*TRAIN, "--out", "runs/live", *SMALL, *often], cwd=folder) as run:
        give_up = time.monotonic() + PATIENCE / 1000
        while not any(folder.glob("runs/live/samples/*.png")):
            assert run.poll() is None and time.monotonic() < give_up
            time.sleep(0.1)
        yield "live"
        run.terminate()


@pytest.fixture
def measured(folder: Path) -> str:
    """The name of the short run, of which something was measured."""
    row = {"model": "digits", "data": "digits", "step": 30, "sampler": "ddim:2", "n": 1000}
    (folder / "runs/short/quality.json").write_text(
        json.dumps([row | {"evaluations": 2, "seconds": 0.1, "times": 2.5}])
    )
    return "short"


@pytest.fixture(scope="session")
def address(folder: Path) -> Iterator[str]:
    """Where a server of this checkout listens."""
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
    # what scrolls smoothly would still be moving while a test takes hold of it
    context = browser.new_context(
        viewport=SIZES[size], has_touch=size == "phone", accept_downloads=True, reduced_motion="reduce"
    )
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
