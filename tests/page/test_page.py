"""The six uses of the page in a browser, at a desk and on a phone: what is promised is seen, and no fault is logged."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from looking import begin, finish, pixels, wide
from PIL import Image

import inkwash

STEPS = 4


def test_digits_are_drawn_step_by_step_and_are_those_of_python(page: Any, address: str) -> None:
    begin(page, address, "draw", steps=STEPS)
    page.get_by_role("button", name="7", exact=True).click()
    page.get_by_label("How many").fill("6")
    page.get_by_label("Seed", exact=True).fill("3")
    page.get_by_role("button", name="Draw", exact=True).click()
    finish(page)
    shown = page.get_by_role("img", name=re.compile("predicted image, 6 images"))
    found = pixels(page, shown)
    alone = inkwash.sample("fast", n=6, label=7, seed=3, steps=STEPS).images
    # one pixel between images, rows of three
    first = found[:28, :28, 0]
    last = found[29:57, 58:86, 0]
    assert np.abs(first.astype(int) - alone[0].astype(int)).max() <= 1
    assert np.abs(last.astype(int) - alone[5].astype(int)).max() <= 1
    assert page.get_by_text(f"step {STEPS} of {STEPS}").is_visible()
    page.get_by_role("button", name="one step back").click()
    assert page.get_by_text(f"step {STEPS - 1} of {STEPS}").is_visible()
    assert (pixels(page, page.get_by_role("img", name=re.compile("noisy image"))) != found).any()
    assert page.get_by_text("inkwash sample fast -n 6 --seed 3 --label 7").is_visible()
    assert not wide(page)


def test_an_address_draws_the_same_picture_again(page: Any, address: str) -> None:
    begin(page, address, "draw", steps=3, n=4, labels="1,2", seed=9)
    finish(page)
    first = pixels(page, page.get_by_role("img", name=re.compile("predicted")))
    kept = page.url
    page.goto("about:blank")
    page.goto(kept)
    finish(page)
    assert (pixels(page, page.get_by_role("img", name=re.compile("predicted"))) == first).all()


def test_pictures_and_animations_can_be_taken_away(page: Any, address: str, tmp_path: Path) -> None:
    begin(page, address, "draw", steps=3, n=4, seed=1)
    finish(page)
    for button, frames in (("PNG", 1), ("Animation", 4)):
        with page.expect_download() as waiting:
            page.get_by_role("button", name=button, exact=True).click()
        path = tmp_path / f"{button}.png"
        waiting.value.save_as(path)
        with Image.open(path) as image:
            assert getattr(image, "n_frames", 1) == frames
            image.seek(frames - 1)
            assert np.asarray(image.convert("L")).max() > 200


def test_a_number_is_written_and_what_cannot_be_is_said(page: Any, address: str) -> None:
    begin(page, address, "write", steps=3)
    page.get_by_label("Text").fill("20 2x6")
    page.get_by_label("One consistent hand").check()
    page.get_by_role("button", name="Write").click()
    finish(page)
    assert "Not written: x" in page.get_by_role("alert").inner_text()
    found = pixels(page, page.get_by_role("img", name=re.compile("4 images")))
    assert found.shape[:2] == (28, 5 * 28)
    assert not found[:, 2 * 28 : 3 * 28].any()
    # one hand: the two 2s are the same to the last grey
    assert (found[:, :28] == found[:, 3 * 28 : 4 * 28]).all()
    assert not wide(page)


def test_a_drawing_is_gone_on_from_filled_in_and_walked_between(page: Any, address: str) -> None:
    begin(page, address, "edit")
    easel = page.get_by_role("application")
    easel.scroll_into_view_if_needed()
    box = easel.bounding_box()

    def stroke(*places: tuple[float, float]) -> None:
        page.mouse.move(box["x"] + places[0][0] * box["width"], box["y"] + places[0][1] * box["height"])
        page.mouse.down()
        for x, y in places[1:]:
            page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=5)
        page.mouse.up()

    stroke((0.3, 0.25), (0.7, 0.25), (0.45, 0.8))
    drawn = pixels(page, easel)
    assert drawn.max() == 255
    page.get_by_role("button", name="Start from it").click()
    finish(page)
    varied = pixels(page, page.get_by_role("img", name=re.compile("predicted image, 8 images")))
    assert varied.max() > 200
    page.get_by_role("button", name="Mark to paint anew").click()
    easel.scroll_into_view_if_needed()
    box = easel.bounding_box()
    stroke((0.1, 0.7), (0.9, 0.7), (0.9, 0.9), (0.1, 0.9))
    page.get_by_role("button", name="Fill in what is marked").click()
    finish(page)
    filled = pixels(page, page.get_by_role("img", name=re.compile("predicted image, 8 images")))
    assert (filled[:14, :28] == drawn[:14]).all()
    page.get_by_label("Pictures on the way").fill("5")
    page.get_by_role("button", name="Morph").click()
    page.get_by_text(re.compile("^picture 5 of 5$")).wait_for()
    assert not wide(page)


def test_settings_race_with_the_same_seeds(page: Any, address: str) -> None:
    begin(page, address, "compare")
    page.get_by_label("Images each").fill("2")
    for place, steps in enumerate(("2", "6")):
        page.get_by_label("Steps").nth(place).fill(steps)
    page.get_by_role("button", name="Race").click()
    page.get_by_text("was first").wait_for()
    assert page.get_by_text(re.compile(r"\d+ evaluations an image, \d+\.\d\d s")).count() == 2
    assert page.get_by_role("img", name="Speed against quality of measured models").is_visible()
    assert not wide(page)


@pytest.mark.parametrize("model", ["digits", "moons"])
def test_a_walk_is_explained_by_curves_with_its_level_marked(page: Any, address: str, model: str) -> None:
    begin(page, address, "understand", model)
    page.get_by_role("img", name="alpha and sigma along the schedule").wait_for()
    assert page.get_by_role("img", name="held-out loss against noise level").is_visible()
    page.get_by_label("Steps").fill("5")
    page.get_by_role("button", name="Walk", exact=True).click()
    finish(page)
    page.get_by_role("slider", name="step").focus()
    page.keyboard.press("Home")
    assert page.get_by_role("img", name=re.compile("what the data says exactly")).is_visible() == (model == "digits")
    assert page.get_by_text(re.compile("Level: ")).is_visible()
    marks = page.locator("svg .mark[visibility=visible]")
    before = marks.first.get_attribute("x1")
    page.keyboard.press("ArrowRight")
    assert marks.count() >= 2 and marks.first.get_attribute("x1") != before
    assert not wide(page)


def test_models_and_runs_have_cards_and_one_that_has_ended_is_over(page: Any, address: str, folder: Path) -> None:
    # written to a moment ago, and yet at its end
    (folder / "runs/short/metrics.jsonl").touch()
    begin(page, address, "choose")
    page.get_by_role("button", name=re.compile("^short")).click()
    page.get_by_role("heading", name="short").wait_for()
    page.get_by_role("img", name="loss while training").wait_for()
    assert page.get_by_text("training now").count() == 0
    assert page.get_by_role("img", name=re.compile("pictures drawn at")).count() >= 1
    page.get_by_text("Its card").click()
    assert page.get_by_role("heading", name="Objective").is_visible()
    assert not wide(page)


@pytest.mark.parametrize("size", ["desktop"], indirect=True)
def test_what_a_run_has_done_by_now_comes_in_while_it_trains(page: Any, address: str, training: str) -> None:
    begin(page, address, "choose", training)
    page.get_by_text("training now").wait_for()
    pictures, state = (
        page.get_by_role("img", name=re.compile("pictures drawn at")),
        page.get_by_text(re.compile("^step ")),
    )
    state.wait_for()
    before, seen = state.inner_text(), pictures.count()
    line = page.get_by_role("img", name="loss while training").locator("polyline, path").first
    drawn = line.evaluate("line => line.outerHTML")
    # nobody touches the page
    pictures.nth(seen).wait_for(state="attached")
    assert state.inner_text() != before
    assert line.evaluate("line => line.outerHTML") != drawn
    newest = pictures.nth(seen)
    newest.scroll_into_view_if_needed()
    assert newest.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0


@pytest.mark.parametrize("size", ["desktop"], indirect=True)
def test_a_digit_is_drawn_and_gone_on_from_by_keys_alone(page: Any, address: str) -> None:
    begin(page, address, "edit", steps=3)
    easel = page.get_by_role("application")
    assert pixels(page, easel).max() == 0
    easel.focus()
    for _ in range(8):
        page.keyboard.press("ArrowUp")
    page.keyboard.press("Space")
    for _ in range(16):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    for _ in range(6):
        page.keyboard.press("ArrowRight")
    # away from it: the cursor, which is coloured, goes
    page.keyboard.press("Tab")
    ink = pixels(page, easel)[..., 0]
    rows, columns = np.nonzero(ink > 100)
    assert rows.max() - rows.min() >= 15 and columns.max() - columns.min() <= 4
    page.get_by_role("button", name="Start from it").focus()
    page.keyboard.press("Enter")
    finish(page)
    varied = pixels(page, page.get_by_role("img", name=re.compile("predicted image, 8 images")))
    assert varied.max() > 200


@pytest.mark.parametrize("size", ["desktop"], indirect=True)
def test_what_was_measured_of_a_run_is_a_mark_beside_its_races(page: Any, address: str, measured: str) -> None:
    begin(page, address, "compare", measured)
    plot = page.get_by_role("img", name="Speed against quality of measured models")
    plot.wait_for()
    assert plot.get_by_text(re.compile(f"{measured} at step 30, ddim:2.*2.50 times that of 1,000 real")).count() == 1


@pytest.mark.parametrize("size", ["desktop"], indirect=True)
def test_drawing_needs_no_mouse(page: Any, address: str) -> None:
    page.goto(address)
    page.get_by_role("tab", name="Draw").wait_for()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "skip"
    page.get_by_role("tab", name="Draw").focus()
    page.keyboard.press("ArrowRight")
    page.get_by_label("Text").wait_for()
    page.keyboard.press("ArrowLeft")
    page.get_by_label("How many").focus()
    page.keyboard.press("Control+a")
    page.keyboard.type("2")
    page.keyboard.press("Enter")
    finish(page)
    page.get_by_role("slider", name="step").focus()
    page.keyboard.press("Home")
    assert page.get_by_text(re.compile("^step 0 of")).is_visible()


@pytest.mark.parametrize("size", ["desktop"], indirect=True)
def test_what_is_wrong_is_said_where_everyone_looks(page: Any, address: str) -> None:
    begin(page, address, "draw", "ddim-300")
    page.get_by_label("Steps").fill("301")
    page.get_by_role("button", name="Draw", exact=True).click()
    assert page.get_by_label("Steps").evaluate("field => !field.validity.valid")
    begin(page, address, "write", "ddim-300")
    assert page.get_by_text("was trained without labels").is_visible()


@pytest.mark.parametrize("size", ["desktop"], indirect=True)
def test_dark_and_light_are_remembered(page: Any, address: str) -> None:
    page.goto(address)
    theme = "document.documentElement.dataset.theme"
    page.get_by_role("button", name="Dark or light").click()
    chosen = page.evaluate(theme)
    page.reload()
    page.get_by_role("tab", name="Draw").wait_for()
    assert page.evaluate(theme) == chosen
