"""The six views of the page in a browser, desktop and phone, without errors on the console."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from page_driver import is_too_wide, open_view, pixels, wait_for_samples
from PIL import Image

import inkwash

STEPS = 4


def test_samples_equal_those_of_python_and_can_be_stepped_through(page: Any, address: str) -> None:
    open_view(page, address, "sample", steps=STEPS)
    page.get_by_role("button", name="7", exact=True).click()
    page.get_by_label("Number of images", exact=True).fill("6")
    page.get_by_label("Seed", exact=True).fill("3")
    page.get_by_role("button", name="Sample", exact=True).click()
    wait_for_samples(page)
    shown = page.get_by_role("img", name=re.compile("predicted image, 6 images"))
    found = pixels(page, shown)
    expected = inkwash.sample("fast", n=6, label=7, seed=3, steps=STEPS).images
    # Three columns with a gap of one pixel.
    first = found[:28, :28, 0]
    last = found[29:57, 58:86, 0]
    assert np.abs(first.astype(int) - expected[0].astype(int)).max() <= 1
    assert np.abs(last.astype(int) - expected[5].astype(int)).max() <= 1
    assert page.get_by_text(f"step {STEPS} of {STEPS}").is_visible()
    page.get_by_role("button", name="previous step").click()
    assert page.get_by_text(f"step {STEPS - 1} of {STEPS}").is_visible()
    assert (pixels(page, page.get_by_role("img", name=re.compile("noisy image"))) != found).any()
    assert page.get_by_text("inkwash sample fast -n 6 --seed 3 --label 7").is_visible()
    assert not is_too_wide(page)


def test_url_reproduces_the_samples(page: Any, address: str) -> None:
    open_view(page, address, "sample", steps=3, n=4, labels="1,2", seed=9)
    wait_for_samples(page)
    first = pixels(page, page.get_by_role("img", name=re.compile("predicted")))
    url = page.url
    page.goto("about:blank")
    page.goto(url)
    wait_for_samples(page)
    assert (pixels(page, page.get_by_role("img", name=re.compile("predicted"))) == first).all()


def test_png_and_animation_are_downloaded(page: Any, address: str, tmp_path: Path) -> None:
    open_view(page, address, "sample", steps=3, n=4, seed=1)
    wait_for_samples(page)
    for button, frames in (("PNG", 1), ("Animation", 4)):
        with page.expect_download() as waiting:
            page.get_by_role("button", name=button, exact=True).click()
        path = tmp_path / f"{button}.png"
        waiting.value.save_as(path)
        with Image.open(path) as image:
            assert getattr(image, "n_frames", 1) == frames
            image.seek(frames - 1)
            assert np.asarray(image.convert("L")).max() > 200


def test_text_is_written_and_unknown_characters_are_reported(page: Any, address: str) -> None:
    open_view(page, address, "write", steps=3)
    page.get_by_label("Text").fill("20 2x6")
    page.get_by_label(re.compile("Same handwriting")).check()
    page.get_by_role("button", name="Write").click()
    wait_for_samples(page)
    assert "Not written: x" in page.get_by_role("alert").inner_text()
    found = pixels(page, page.get_by_role("img", name=re.compile("4 images")))
    assert found.shape[:2] == (28, 5 * 28)
    assert not found[:, 2 * 28 : 3 * 28].any()
    # With one seed for all characters the two 2s are equal.
    assert (found[:, :28] == found[:, 3 * 28 : 4 * 28]).all()
    assert not is_too_wide(page)


def test_sketch_is_regenerated_inpainted_and_interpolated(page: Any, address: str) -> None:
    open_view(page, address, "edit")
    canvas = page.get_by_role("application")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()

    def stroke(*places: tuple[float, float]) -> None:
        page.mouse.move(box["x"] + places[0][0] * box["width"], box["y"] + places[0][1] * box["height"])
        page.mouse.down()
        for x, y in places[1:]:
            page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=5)
        page.mouse.up()

    stroke((0.3, 0.25), (0.7, 0.25), (0.45, 0.8))
    sketch = pixels(page, canvas)
    assert sketch.max() == 255
    page.get_by_role("button", name="Regenerate from sketch").click()
    wait_for_samples(page)
    varied = pixels(page, page.get_by_role("img", name=re.compile("predicted image, 8 images")))
    assert varied.max() > 200
    page.get_by_role("button", name="Mark area to repaint").click()
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    stroke((0.1, 0.7), (0.9, 0.7), (0.9, 0.9), (0.1, 0.9))
    page.get_by_role("button", name="Fill marked area").click()
    wait_for_samples(page)
    filled = pixels(page, page.get_by_role("img", name=re.compile("predicted image, 8 images")))
    assert (filled[:14, :28] == sketch[:14]).all()
    page.get_by_label("Number of images").fill("5")
    page.get_by_role("button", name="Interpolate").click()
    page.get_by_text(re.compile("^image 5 of 5$")).wait_for()
    # The strip has every image in its order.
    strip = pixels(page, page.get_by_role("img", name="strip of the interpolation"))
    last = pixels(page, page.get_by_role("img", name="interpolated image, 1 image"))
    assert strip.shape == (28, 5 * 29 - 1, 3) and (strip[:, -28:] == last).all()
    assert not is_too_wide(page)


def test_configurations_are_compared_with_the_same_seeds(page: Any, address: str) -> None:
    open_view(page, address, "compare")
    page.get_by_label("Images each").fill("2")
    for place, steps in enumerate(("2", "6")):
        page.get_by_label("Steps").nth(place).fill(steps)
    page.get_by_role("button", name="Compare", exact=True).click()
    page.get_by_text("fastest").wait_for()
    assert page.get_by_text(re.compile(r"\d+ evaluations per image, \d+\.\d\d s")).count() == 2
    assert page.get_by_role("img", name="Speed against quality of measured models").is_visible()
    assert not is_too_wide(page)


@pytest.mark.parametrize("model", ["digits", "moons"])
def test_charts_mark_the_level_of_the_shown_step(page: Any, address: str, model: str) -> None:
    open_view(page, address, "understand", model)
    page.get_by_role("img", name="alpha and sigma along the schedule").wait_for()
    measured_on = {"digits": "validation loss", "moons": "loss on fresh points"}[model]
    assert page.get_by_role("img", name=f"{measured_on} by noise level").is_visible()
    page.get_by_label("Steps").fill("5")
    page.get_by_role("button", name="Sample", exact=True).click()
    wait_for_samples(page)
    page.get_by_role("slider", name="step").focus()
    page.keyboard.press("Home")
    assert page.get_by_role("img", name=re.compile("exact denoiser")).is_visible() == (model == "digits")
    assert page.get_by_text(re.compile("Level: ")).is_visible()
    marks = page.locator("svg .mark[visibility=visible]")
    before = marks.first.get_attribute("x1")
    page.keyboard.press("ArrowRight")
    assert marks.count() >= 2 and marks.first.get_attribute("x1") != before
    assert not is_too_wide(page)


def test_run_has_a_card_and_a_finished_one_is_not_in_training(page: Any, address: str, folder: Path) -> None:
    # Recently written, but its session has an end.
    (folder / "runs/short/metrics.jsonl").touch()
    open_view(page, address, "models")
    page.get_by_role("button", name=re.compile("^short")).click()
    page.get_by_role("heading", name="short").wait_for()
    page.get_by_role("img", name="training and validation loss").wait_for()
    assert page.get_by_text("training now").count() == 0
    assert page.get_by_role("img", name=re.compile("samples at")).count() >= 1
    page.get_by_text("Model card").click()
    assert page.get_by_role("heading", name="Objective").is_visible()
    assert not is_too_wide(page)


@pytest.mark.parametrize("size", ["desktop"], indirect=True)
def test_run_in_training_is_updated_live(page: Any, address: str, training: str) -> None:
    open_view(page, address, "models", training)
    page.get_by_text("training now").wait_for()
    images, state = (
        page.get_by_role("img", name=re.compile("samples at")),
        page.get_by_text(re.compile("^step ")),
    )
    state.wait_for()
    before, seen = state.inner_text(), images.count()
    line = page.get_by_role("img", name="training and validation loss").locator("polyline, path").first
    before_line = line.evaluate("line => line.outerHTML")
    # Without any interaction.
    images.nth(seen).wait_for(state="attached")
    # The image may come a moment before the text.
    state.filter(has_not_text=before).wait_for()
    assert line.evaluate("line => line.outerHTML") != before_line
    newest = images.nth(seen)
    newest.scroll_into_view_if_needed()
    assert newest.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0


@pytest.mark.parametrize("size", ["desktop"], indirect=True)
def test_sketch_is_drawn_and_regenerated_with_the_keyboard(page: Any, address: str) -> None:
    open_view(page, address, "edit", steps=3)
    canvas = page.get_by_role("application")
    assert pixels(page, canvas).max() == 0
    canvas.focus()
    for _ in range(8):
        page.keyboard.press("ArrowUp")
    page.keyboard.press("Space")
    for _ in range(16):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    for _ in range(6):
        page.keyboard.press("ArrowRight")
    # Leaving the canvas removes the coloured cursor.
    page.keyboard.press("Tab")
    ink = pixels(page, canvas)[..., 0]
    rows, columns = np.nonzero(ink > 100)
    assert rows.max() - rows.min() >= 15 and columns.max() - columns.min() <= 4
    page.get_by_role("button", name="Regenerate from sketch").focus()
    page.keyboard.press("Enter")
    wait_for_samples(page)
    varied = pixels(page, page.get_by_role("img", name=re.compile("predicted image, 8 images")))
    assert varied.max() > 200


@pytest.mark.parametrize("size", ["desktop"], indirect=True)
def test_measured_quality_of_a_run_is_plotted(page: Any, address: str, measured: str) -> None:
    open_view(page, address, "compare", measured)
    plot = page.get_by_role("img", name="Speed against quality of measured models")
    plot.wait_for()
    assert plot.get_by_text(re.compile(f"{measured} at step 30, ddim:2.*2.50 times that of 1,000 real")).count() == 1


@pytest.mark.parametrize("size", ["desktop"], indirect=True)
def test_sampling_needs_no_mouse(page: Any, address: str) -> None:
    page.goto(address)
    page.get_by_role("tab", name="Sample").wait_for()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "skip"
    page.get_by_role("tab", name="Sample").focus()
    page.keyboard.press("ArrowRight")
    page.get_by_label("Text").wait_for()
    page.keyboard.press("ArrowLeft")
    page.get_by_label("Number of images", exact=True).focus()
    page.keyboard.press("Control+a")
    page.keyboard.type("2")
    page.keyboard.press("Enter")
    wait_for_samples(page)
    page.get_by_role("slider", name="step").focus()
    page.keyboard.press("Home")
    assert page.get_by_text(re.compile("^step 0 of")).is_visible()


@pytest.mark.parametrize("size", ["desktop"], indirect=True)
def test_invalid_steps_and_unconditional_models_are_reported(page: Any, address: str) -> None:
    open_view(page, address, "sample", "ddim-300")
    page.get_by_label("Steps").fill("301")
    page.get_by_role("button", name="Sample", exact=True).click()
    assert page.get_by_label("Steps").evaluate("field => !field.validity.valid")
    open_view(page, address, "write", "ddim-300")
    assert page.get_by_text("is not class-conditional").is_visible()


@pytest.mark.parametrize("size", ["desktop"], indirect=True)
def test_theme_is_remembered(page: Any, address: str) -> None:
    page.goto(address)
    theme = "document.documentElement.dataset.theme"
    page.get_by_role("button", name="Switch between dark and light theme").click()
    chosen = page.evaluate(theme)
    page.reload()
    page.get_by_role("tab", name="Sample").wait_for()
    assert page.evaluate(theme) == chosen
