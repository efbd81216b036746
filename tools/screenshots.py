"""Take screenshots of every view of the page for the documentation, with Playwright and Debian's chromium.

    python tools/screenshots.py [--data FOLDER]

writes docs/pictures/page-VIEW.png: each view in the light theme, and Sample on a phone in the dark theme. Requires the
page extra (playwright).
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Literal

from cyclopts import App
from PIL import Image
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parent.parent
PICTURES = ROOT / "docs" / "pictures"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
COLOURS = 128
"""Colours of a file, which a palette holds: half the bytes, and no difference to the eye."""
STROKES = [(0.3, 0.25), (0.7, 0.25), (0.45, 0.8)]
app = App()


def finish(page: Any) -> None:
    """Wait until sampling has finished."""
    page.get_by_text(re.compile(r"^\d+\.\d\d seconds$")).wait_for()


def step_back(page: Any, steps: int) -> None:
    """Wait until sampling has finished, and show an earlier step."""
    finish(page)
    page.get_by_role("slider", name="step").focus()
    for _ in range(steps):
        page.keyboard.press("ArrowLeft")


def sample(page: Any) -> None:
    """Sample twenty digits and go back seven steps."""
    page.get_by_label("Number of images", exact=True).fill("20")
    page.get_by_role("button", name="Sample", exact=True).click()
    step_back(page, 7)


def words(page: Any) -> None:
    """Type a prompt, and set what it does not name by a slider."""
    page.get_by_label("Prompt").fill("a bold, slanted seven")
    page.get_by_text("Understood as").wait_for()
    page.get_by_role("slider", name="width").focus()
    for _ in range(12):
        page.keyboard.press("ArrowRight")
    page.get_by_text(re.compile(r"^16 images in \d+ ms$")).wait_for()
    page.wait_for_timeout(1500)


def write(page: Any) -> None:
    """Write a telephone number."""
    page.get_by_label("Text").fill("555 0199")
    page.get_by_role("button", name="Write").click()
    finish(page)


def edit(page: Any) -> None:
    """Draw a seven by hand and regenerate from it."""
    box = page.get_by_role("application").bounding_box()
    start, *ends = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in STROKES]
    page.mouse.move(*start)
    page.mouse.down()
    for end in ends:
        page.mouse.move(*end, steps=8)
    page.mouse.up()
    page.get_by_role("button", name="Regenerate from sketch").click()
    finish(page)


def compare(page: Any) -> None:
    """Compare two models."""
    page.get_by_label("Images each").fill("6")
    page.get_by_role("button", name="Compare", exact=True).click()
    page.get_by_text("All configurations use the same seeds").wait_for()


def denoise(page: Any) -> None:
    """Wait for both predictions of the example."""
    page.get_by_text(re.compile("posterior mean over")).wait_for()


def understand(page: Any) -> None:
    """Sample a trajectory and go back eight steps, where the level is marked."""
    page.get_by_role("button", name="Sample", exact=True).click()
    step_back(page, 8)


def models(page: Any) -> None:
    """Wait for the card of the default model."""
    page.get_by_role("img", name="training and validation loss").wait_for()


VIEWS = {
    "sample": sample,
    "write": write,
    "edit": edit,
    "compare": compare,
    "denoise": denoise,
    "understand": understand,
    "models": models,
}
MAX_HEIGHT = 1000
"""Height of a window below which the picture is of the whole page."""
Shot = tuple[str, str, Literal["dark", "light"], tuple[int, int]]
SHOTS: list[Shot] = [(view, "fast", "light", (1280, 860 if view != "compare" else 1348)) for view in VIEWS]
SHOTS += [("sample", "fast", "dark", (390, 844)), ("understand", "moons", "dark", (1280, 860))]
SHOTS += [("sample", "words-one-step", "light", (1280, 1080)), ("sample", "words-one-step", "dark", (390, 1600))]


@app.default
def main(data: str | None = None, only: str | None = None) -> None:
    """Take all screenshots, or those of one view or model."""
    command = [sys.executable, "-m", "inkwash", "serve", "--port", "0", "--quiet", *(["--data", data] if data else [])]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as server,
        sync_playwright() as driver,
    ):
        assert server.stdout is not None
        address = server.stdout.readline().strip()
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        for view, model, scheme, (width, height) in SHOTS:
            if only not in (None, view, model):
                continue
            context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
            page = context.new_page()
            page.goto(f"{address}#{view}?model={model}")
            page.get_by_role("tab", selected=True).wait_for()
            (words if model.startswith("words") else VIEWS[view])(page)
            page.wait_for_timeout(300)
            name = f"page-{view}{'' if model == 'fast' else '-' + model}{'-phone' if width < 500 else ''}.png"
            # Scrolled to the top, because the sticky messages would be in the middle of the screenshot.
            page.evaluate("scrollTo(0, 0)")
            page.screenshot(path=PICTURES / name, full_page=height < MAX_HEIGHT)
            with Image.open(PICTURES / name) as image:
                image.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(PICTURES / name, optimize=True)
            print(name)
            context.close()
        server.terminate()


if __name__ == "__main__":
    app()
