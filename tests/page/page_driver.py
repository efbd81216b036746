"""Drive the page in a browser: serve an exported one, open a view, wait for samples, read a canvas, run axe-core."""

from __future__ import annotations

import base64
import functools
import http.server
import io
import re
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from inkwash.errors import InkwashError
from inkwash.export import web
from inkwash.model import Model
from inkwash.web.schemas import LiveBody

LIVE_COUNT = 16
"""Images of the live panel, in rows of four."""
MEDIA = {"light": "reduce", "dark": "no-preference"}
"""Colour schemes, each with a preference of motion."""


class Quiet(http.server.SimpleHTTPRequestHandler):
    """A plain file server that logs nothing."""

    def log_message(self, format: str, *arguments: object) -> None:
        """Log nothing."""


@contextmanager
def file_server(folder: Path, port: int = 0) -> Iterator[str]:
    """Serve a folder on loopback and give its URL."""
    with http.server.ThreadingHTTPServer(
        ("127.0.0.1", port), functools.partial(Quiet, directory=str(folder))
    ) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@contextmanager
def exported_page(model: Model, name: str, folder: Path) -> Iterator[str]:
    """Export a page into the new `folder` and give its URL; the test is skipped where its runtime cannot be downloaded."""
    if shutil.which("npm") is None:
        pytest.skip("onnxruntime-web is downloaded with npm: apt install npm")
    try:
        web.write([web.PageModel(model, name, None)], folder, lambda what: None)
    except InkwashError as error:
        if "npm cannot download" not in str(error):
            raise
        pytest.skip(str(error))
    with file_server(folder) as url:
        yield url


def pixels(page: Any, canvas: Any) -> np.ndarray:
    """Return the pixels of a canvas, uint8 [H, W, 3]."""
    url = canvas.evaluate("canvas => canvas.toDataURL('image/png')")
    with Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))) as image:
        return np.array(image.convert("RGB"))


def png_bytes(size: tuple[int, int], colour: tuple[int, int, int]) -> bytes:
    """Return a PNG file of one colour with a black middle."""
    made = Image.new("RGB", size, colour)
    made.paste((0, 0, 0), (size[0] // 2 - 2, size[1] // 2 - 2, size[0] // 2 + 2, size[1] // 2 + 2))
    buffer = io.BytesIO()
    made.save(buffer, "png")
    return buffer.getvalue()


def open_view(page: Any, address: str, view: str, model: str = "fast", **settings: object) -> None:
    """Open a view of a model."""
    query = "&".join(f"{name}={value}" for name, value in settings.items())
    page.goto(f"{address}#{view}?model={model}&{query}")
    page.get_by_role("tab", selected=True).wait_for()


def is_too_wide(page: Any) -> bool:
    """Return whether the page is wider than the window."""
    return bool(page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth + 1"))


def wait_for_samples(page: Any) -> None:
    """Wait until sampling has finished."""
    page.get_by_text(re.compile(r"^\d+\.\d\d seconds$")).wait_for()


def live_sheet(model: Model, **fields: Any) -> np.ndarray:
    """Return the images of a live request with the page's default seeds, uint8 [H, W]."""
    values: dict[str, Any] = {"model": model.name, "seeds": list(range(LIVE_COUNT)), "seed_to": LIVE_COUNT} | fields
    (batch,) = LiveBody(**values).resolve(model).batches(LIVE_COUNT)
    images = np.pad(batch.images(), ((0, 0), (0, 1), (0, 1))).reshape(4, 4, 29, 29)
    return images.transpose(0, 2, 1, 3).reshape(116, 116)[:-1, :-1]


def is_near(found: np.ndarray, ours: np.ndarray) -> bool:
    """Return whether sheets are equal up to two grey levels in less than 1 % of the pixels."""
    apart = np.abs(found.astype(int) - ours.astype(int))
    return bool(apart.max() <= 2 and (apart > 0).mean() < 0.01)


def wait_for_sheet(page: Any, canvas: Any, ours: np.ndarray) -> None:
    """Wait until the canvas shows `ours`."""
    for _ in range(150):
        if is_near(pixels(page, canvas)[..., 0], ours):
            return
        page.wait_for_timeout(100)
    raise AssertionError("the canvas does not show the expected images")


def violations(page: Any, axe: str) -> list[str]:
    """Return one line for each element that violates a rule, in the light or in the dark theme."""
    found = []
    page.evaluate(axe)
    for scheme, motion in MEDIA.items():
        page.emulate_media(color_scheme=scheme, reduced_motion=motion)
        # With its transitions ended, a colour is that of the state.
        page.wait_for_timeout(200)
        for each in page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]:
            found += [
                f"{scheme}: {each['id']}: {node['html'][:200]} {node['failureSummary']}" for node in each["nodes"]
            ]
    return found
