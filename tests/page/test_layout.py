"""Layout: images fit the window, output is scrolled into view, text is legible, tabs, invalid URLs."""

from __future__ import annotations

import re
from typing import Any

import pytest
from page_driver import is_too_wide, open_view, wait_for_samples

PHONE = pytest.mark.parametrize("size", ["phone"], indirect=True)
DESKTOP = pytest.mark.parametrize("size", ["desktop"], indirect=True)
IN_VIEW = "each => { const { top, bottom } = each.getBoundingClientRect(); return top >= 0 && bottom <= innerHeight; }"


def test_images_fit_the_window_undistorted(page: Any, address: str) -> None:
    open_view(page, address, "sample", steps=2, n=20, labels="1,2", seed=0)
    wait_for_samples(page)
    open_view(page, address, "edit", steps=2)
    page.get_by_label("Number of images").fill("3")
    page.get_by_role("button", name="Interpolate").click()
    page.get_by_text("image 3 of 3").wait_for()
    for canvas in page.locator("canvas.picture:visible").all():
        box = canvas.bounding_box()
        width, height = canvas.evaluate("canvas => [canvas.width, canvas.height]")
        assert box["height"] <= 0.71 * page.viewport_size["height"]
        assert box["width"] / box["height"] == pytest.approx(width / height, rel=0.02)
    assert not is_too_wide(page)


@PHONE
@pytest.mark.parametrize(("view", "button"), [("sample", "Sample"), ("write", "Write"), ("understand", "Sample")])
def test_output_is_scrolled_into_view(page: Any, address: str, view: str, button: str) -> None:
    open_view(page, address, view, steps=2)
    press = page.get_by_role("button", name=button, exact=True)
    press.scroll_into_view_if_needed()
    press.click()
    wait_for_samples(page)
    assert page.get_by_role("img", name=re.compile("predicted image")).evaluate(IN_VIEW)
    # The status is visible too.
    assert page.locator("#status").evaluate(IN_VIEW)


@PHONE
def test_all_tabs_are_visible_on_a_phone(page: Any, address: str) -> None:
    open_view(page, address, "sample")
    boxes = [tab.bounding_box() for tab in page.get_by_role("tab").all()]
    assert len(boxes) == 8 and len({box["y"] for box in boxes}) == 2
    assert all(box["x"] >= 0 and box["x"] + box["width"] <= page.viewport_size["width"] for box in boxes)


def test_chart_text_is_legible_and_marks_are_inside(page: Any, address: str) -> None:
    open_view(page, address, "understand", steps=2)
    chart = page.get_by_role("img", name="log signal-to-noise ratio along the schedule")
    chart.wait_for()
    page.wait_for_timeout(200)
    size = chart.evaluate("svg => parseFloat(getComputedStyle(svg.querySelector('text')).fontSize)")
    scale = chart.evaluate("svg => svg.getBoundingClientRect().width / svg.viewBox.baseVal.width")
    assert size * scale >= 11
    page.get_by_role("button", name="Sample", exact=True).click()
    wait_for_samples(page)
    marks = chart.locator(".mark")
    plot = chart.locator(".line").first.bounding_box()
    assert plot["x"] - 1 <= marks.first.bounding_box()["x"] <= plot["x"] + plot["width"] + 1
    assert not is_too_wide(page)


@DESKTOP
def test_models_of_points_sample_300_points(page: Any, address: str) -> None:
    for view in ("sample", "compare", "understand"):
        open_view(page, address, view, "moons")
        assert page.get_by_label("Points", exact=True).input_value() == "300"


@DESKTOP
@pytest.mark.parametrize(
    ("opened", "problem", "corrected"),
    [
        ("#sample?model=nope&n=3", "Unknown model nope", "#sample?model=one-step&n=3"),
        ("#banana", "Unknown view banana", "#sample?model=one-step"),
        ("#draw?labels=99&n=-5&seed=2", "labels=99, n=-5.", "#sample?model=one-step&seed=2"),
    ],
)
def test_invalid_url_is_reported_and_corrected(
    page: Any, address: str, opened: str, problem: str, corrected: str
) -> None:
    page.goto(address + opened)
    page.get_by_role("alert").get_by_text(problem).wait_for()
    assert page.url == address + corrected
    page.get_by_role("button", name="Switch between dark and light theme").click()
    assert page.get_by_role("alert").count() == 0


@DESKTOP
def test_arrow_keys_wrap_around_the_tabs(page: Any, address: str) -> None:
    open_view(page, address, "sample")
    page.get_by_role("tab", selected=True).focus()
    for key, name in (("End", "Models"), ("ArrowRight", "Sample"), ("ArrowLeft", "Models"), ("Home", "Sample")):
        page.keyboard.press(key)
        page.get_by_role("tab", name=name, selected=True).wait_for()
        assert page.evaluate("document.activeElement.textContent") == name


@DESKTOP
@pytest.mark.parametrize(("old", "name"), [("draw", "Sample"), ("choose", "Models")])
def test_view_names_of_version_0_1_0_open_the_renamed_views(page: Any, address: str, old: str, name: str) -> None:
    open_view(page, address, old)
    page.get_by_role("tab", name=name, selected=True).wait_for()
    assert page.get_by_role("alert").count() == 0
