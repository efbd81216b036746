"""Live images of a model of one step: redrawn while a slider moves, and at rest those of the slider's value."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from page_driver import exported_page, is_too_wide, live_sheet, open_view, pixels, wait_for_sheet

import inkwash
from inkwash.io import checkpoints
from inkwash.model import Model

NAME = "single"
DISTINCT = 4
"""Different images that must be seen while a slider moves; many more are drawn where the machine is not busy."""


@pytest.fixture(scope="session")
def single(folder: Path) -> Model:
    """The default model with a sampler of one step, as a run of the server."""
    model = inkwash.load("fast", device="cpu")
    recipe = replace(model.recipe, sampling=replace(model.recipe.sampling, sampler="ddim:1"))
    made = replace(model, name=NAME, recipe=recipe)
    run = folder / "runs" / NAME
    (run / "checkpoints").mkdir(parents=True, exist_ok=True)
    checkpoints.save(run / "checkpoints" / "latest.safetensors", made.checkpoint())
    (run / "recipe.toml").write_text(recipe.to_toml())
    return made


@pytest.fixture(scope="session")
def exported(single: Model, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of the exported page of that model."""
    with exported_page(single, NAME, tmp_path_factory.mktemp("live") / "page") as url:
        yield url


def expected(model: Model, **fields: Any) -> np.ndarray:
    """Return the sheet of a live request with the page's defaults."""
    return live_sheet(model, **fields)


def drag(page: Any, canvas: Any, slider: Any) -> int:
    """Move a slider from left to right with the mouse and return the number of different images that were shown."""
    slider.scroll_into_view_if_needed()
    box, seen = slider.bounding_box(), set()
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 8, y)
    page.mouse.down()
    for place in range(40):
        page.mouse.move(box["x"] + 8 + (box["width"] - 8) * (place + 1) / 40, y)
        page.wait_for_timeout(50)
        seen.add(pixels(page, canvas).tobytes())
    page.mouse.up()
    return len(seen)


@pytest.mark.parametrize("kind", ["served", "exported"])
def test_images_follow_the_slider_and_end_at_its_value(
    page: Any, single: Model, kind: str, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue("address" if kind == "served" else "exported")
    sent: list[Any] = []
    answered: list[Any] = []
    page.on("request", lambda each: sent.append(each) if each.url.endswith("/api/live") else None)
    page.on("requestfinished", lambda each: answered.append(each) if each.url.endswith("/api/live") else None)
    open_view(page, url, "sample", NAME)
    canvas = page.get_by_role("img", name="16 images of the live model")
    box, entries = canvas.bounding_box(), page.evaluate("history.length")
    wait_for_sheet(page, canvas, expected(single))
    assert drag(page, canvas, page.get_by_role("slider", name="Seed morph")) >= DISTINCT
    wait_for_sheet(page, canvas, expected(single, seed_position=1.0))
    page.get_by_label("To class").select_option("8")
    page.get_by_role("slider", name="Class morph").focus()
    page.keyboard.press("End")
    for _ in range(3):
        page.keyboard.press("ArrowLeft")
    at_class = {"seed_position": 1.0, "labels_to": [8], "label_position": 0.97}
    wait_for_sheet(page, canvas, expected(single, **at_class))
    weight = page.get_by_role("slider", name="Guidance")
    weight.focus()
    page.keyboard.press("End")
    wait_for_sheet(page, canvas, expected(single, **at_class, guidance=4.0))
    # The images are in view while the last slider is moved.
    top = canvas.bounding_box()["y"]
    assert top >= 0 and top + canvas.bounding_box()["height"] <= page.viewport_size["height"]
    page.evaluate("scrollTo(0, 0)")
    assert canvas.bounding_box() == box and page.evaluate("history.length") == entries
    assert len(sent) == len(answered) and (kind == "exported" or len(sent) >= DISTINCT)
    assert not is_too_wide(page)


@pytest.mark.parametrize("size", ["desktop"], indirect=True)
def test_the_model_of_several_steps_is_one_click_away_and_compared(page: Any, address: str) -> None:
    open_view(page, address, "sample", "one-step")
    page.get_by_role("button", name="15 steps: fast").click()
    page.get_by_role("button", name="1 step: one-step").wait_for()
    assert page.get_by_role("heading", name="Live").count() == 0
    open_view(page, address, "compare", "one-step")
    page.get_by_label("Images each").fill("2")
    menus = [page.get_by_role("group", name=f"Configuration {k}").get_by_label("Model") for k in (1, 2)]
    assert [menu.input_value() for menu in menus] == ["one-step", "fast"]
    page.get_by_role("button", name="Compare", exact=True).click()
    page.get_by_text("one-step, consistency:1: 1 evaluation per").wait_for()
    page.get_by_text("fast, dpm++2m:15: 15 evaluations").wait_for()
