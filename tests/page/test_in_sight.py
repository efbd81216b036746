"""What is drawn is seen: it fits the window, it is scrolled to, its words are legible, and all tabs are there."""

from __future__ import annotations

import re
from typing import Any

import pytest
from looking import begin, finish, wide

PHONE = pytest.mark.parametrize("size", ["phone"], indirect=True)
DESKTOP = pytest.mark.parametrize("size", ["desktop"], indirect=True)
IN_SIGHT = "each => { const { top, bottom } = each.getBoundingClientRect(); return top >= 0 && bottom <= innerHeight; }"


def test_a_picture_is_never_higher_than_the_window_nor_distorted(page: Any, address: str) -> None:
    begin(page, address, "draw", steps=2, n=20, labels="1,2", seed=0)
    finish(page)
    begin(page, address, "edit", steps=2)
    page.get_by_label("Pictures on the way").fill("3")
    page.get_by_role("button", name="Morph").click()
    page.get_by_text("picture 3 of 3").wait_for()
    for canvas in page.locator("canvas.picture:visible").all():
        box = canvas.bounding_box()
        width, height = canvas.evaluate("canvas => [canvas.width, canvas.height]")
        assert box["height"] <= 0.71 * page.viewport_size["height"]
        assert box["width"] / box["height"] == pytest.approx(width / height, rel=0.02)
    assert not wide(page)


@PHONE
@pytest.mark.parametrize(("view", "button"), [("draw", "Draw"), ("write", "Write"), ("understand", "Walk")])
def test_a_drawing_that_begins_is_scrolled_to(page: Any, address: str, view: str, button: str) -> None:
    begin(page, address, view, steps=2)
    press = page.get_by_role("button", name=button, exact=True)
    press.scroll_into_view_if_needed()
    press.click()
    finish(page)
    assert page.get_by_role("img", name=re.compile("predicted image")).evaluate(IN_SIGHT)
    # what is said is in sight with it
    assert page.locator("#status").evaluate(IN_SIGHT)


@PHONE
def test_all_tabs_are_seen_on_a_phone(page: Any, address: str) -> None:
    begin(page, address, "draw")
    boxes = [tab.bounding_box() for tab in page.get_by_role("tab").all()]
    assert len(boxes) == 6 and len({box["y"] for box in boxes}) == 1
    assert all(box["x"] >= 0 and box["x"] + box["width"] <= page.viewport_size["width"] for box in boxes)


def test_the_words_of_charts_are_legible_and_marks_are_within_them(page: Any, address: str) -> None:
    begin(page, address, "understand", steps=2)
    chart = page.get_by_role("img", name="log signal-to-noise ratio along the schedule")
    chart.wait_for()
    page.wait_for_timeout(200)
    size = chart.evaluate("svg => parseFloat(getComputedStyle(svg.querySelector('text')).fontSize)")
    scale = chart.evaluate("svg => svg.getBoundingClientRect().width / svg.viewBox.baseVal.width")
    assert size * scale >= 11
    page.get_by_role("button", name="Walk", exact=True).click()
    finish(page)
    marks = chart.locator(".mark")
    plot = chart.locator(".line").first.bounding_box()
    assert plot["x"] - 1 <= marks.first.bounding_box()["x"] <= plot["x"] + plot["width"] + 1
    assert not wide(page)


@DESKTOP
def test_points_are_called_points_and_are_many(page: Any, address: str) -> None:
    for view in ("draw", "compare", "understand"):
        begin(page, address, view, "moons")
        assert page.get_by_label("Points").input_value() == "300"


@DESKTOP
@pytest.mark.parametrize(
    ("asked", "said", "kept"),
    [
        ("#draw?model=nope&n=3", "There is no model nope here: this is fast.", "#draw?model=fast&n=3"),
        ("#banana", "There is no view banana here: this is draw.", "#draw?model=fast"),
        ("#draw?labels=99&n=-5&seed=2", "cannot be here: labels=99, n=-5.", "#draw?model=fast&seed=2"),
    ],
)
def test_what_an_address_cannot_have_is_said_and_corrected(
    page: Any, address: str, asked: str, said: str, kept: str
) -> None:
    page.goto(address + asked)
    page.get_by_role("alert").get_by_text(said).wait_for()
    assert page.url == address + kept
    page.get_by_role("button", name="Dark or light").click()
    assert page.get_by_role("alert").count() == 0


@DESKTOP
def test_tabs_are_walked_to_their_ends(page: Any, address: str) -> None:
    begin(page, address, "draw")
    page.get_by_role("tab", selected=True).focus()
    for key, name in (("End", "Models"), ("ArrowRight", "Draw"), ("ArrowLeft", "Models"), ("Home", "Draw")):
        page.keyboard.press(key)
        page.get_by_role("tab", name=name, selected=True).wait_for()
        assert page.evaluate("document.activeElement.textContent") == name
