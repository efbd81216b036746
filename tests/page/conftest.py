"""Fixtures of the page tests: chromium through Playwright, and a server on loopback.

Skipped with a reason where either is missing.
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
from page_driver import png_bytes

from inkwash.errors import InkwashError
from inkwash.export.runtime import Package

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
TIMEOUT_MS = 30_000
"""Milliseconds; long, because test machines are slow and shared."""
AXE = Package(
    "axe-core",
    "4.14.1",
    "sha512-FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ==",
)


TRAIN = [sys.executable, "-m", "inkwash", "train", "digits", "--quiet"]
SMALL = ["--set", "network.widths=[8,16]", "--set", "training.batch=16", "--set", "sampling.preview=ddim:2"]


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The working folder of the server, with one short run."""
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
            (data / name / f"{number}.png").write_bytes(png_bytes((16, 16), (colour[0], number, colour[2])))
    command = [*TRAIN, "--data", str(data), "--steps", "10", "--out", "runs/coloured", *SMALL]
    subprocess.run(command, cwd=folder, check=True)
    return "coloured"


@pytest.fixture
def training(folder: Path) -> Iterator[str]:
    """The name of a run in training that writes a milestone every 100 steps."""
    often = ["--steps", "4000", "--set", 'training.milestones=["every 100 steps"]']
    with subprocess.Popen([*TRAIN, "--out", "runs/live", *SMALL, *often], cwd=folder) as run:
        deadline = time.monotonic() + TIMEOUT_MS / 1000
        while not any(folder.glob("runs/live/samples/*.png")):
            assert run.poll() is None and time.monotonic() < deadline
            time.sleep(0.1)
        yield "live"
        run.terminate()


@pytest.fixture
def measured(folder: Path) -> str:
    """The name of the short run, with measured quality."""
    row = {"model": "digits", "data": "digits", "step": 30, "sampler": "ddim:2", "n": 1000}
    (folder / "runs/short/quality.json").write_text(
        json.dumps([row | {"evaluations": 2, "seconds": 0.1, "times": 2.5}])
    )
    return "short"


@pytest.fixture(scope="session")
def address(folder: Path) -> Iterator[str]:
    """The URL of a server of this checkout."""
    command = [sys.executable, "-m", "inkwash", "serve", "--port", "0", "--quiet"]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2] / "src")}
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


@pytest.fixture(scope="session")
def axe() -> str:
    """The source of axe-core."""
    try:
        return AXE.files("axe.min.js")[0].decode()
    except InkwashError as error:
        if error.code not in ("missing-package", "download"):
            raise
        pytest.skip(str(error))


@pytest.fixture(params=SIZES)
def size(request: pytest.FixtureRequest) -> str:
    """The size of the window, desktop or phone."""
    return str(request.param)


@pytest.fixture
def page(browser: Any, size: str) -> Iterator[Any]:
    """A new page; an error on its console or a request to another host is a failure."""
    # Reduced motion, because smooth scrolling would move elements while a test clicks them.
    context = browser.new_context(
        viewport=SIZES[size], has_touch=size == "phone", accept_downloads=True, reduced_motion="reduce"
    )
    opened = context.new_page()
    opened.set_default_timeout(TIMEOUT_MS)
    faults: list[str] = []
    opened.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    opened.on("pageerror", lambda error: faults.append(str(error)))
    opened.on("request", lambda sent: faults.append(sent.url) if not _is_local(sent.url) else None)
    yield opened
    context.close()
    assert not faults


def _is_local(url: str) -> bool:
    return url.startswith(("http://127.0.0.1:", "data:", "blob:"))
