"""The state of views: kept when another view or model is selected, after a reload and in links."""

from __future__ import annotations

import re
from typing import Any

import pytest
from page_driver import is_too_wide, open_view, pixels, png_bytes, wait_for_samples

pytestmark = pytest.mark.parametrize("size", ["desktop"], indirect=True)


def field(page: Any, label: str) -> Any:
    """Return the first field with this label."""
    return page.get_by_label(label, exact=True).first


def wait_for_drawing(page: Any) -> None:
    """Wait until the canvas shows the uploaded image."""
    page.get_by_role("application").wait_for()
    for _ in range(100):
        if pixels(page, page.get_by_role("application"))[1, 1, 0] == 200:
            return
        page.wait_for_timeout(50)
    raise AssertionError("the drawing is not shown")


def test_view_that_was_left_is_shown_as_it_was(page: Any, address: str) -> None:
    open_view(page, address, "sample", "digits", steps=3, n=2, seed=4)
    wait_for_samples(page)
    before = pixels(page, page.get_by_role("img", name=re.compile("predicted")))
    field(page, "Number of images").fill("7")
    page.get_by_role("tab", name="Write").click()
    page.get_by_label("Text").fill("31")
    page.get_by_role("tab", name="Sample").click()
    assert field(page, "Number of images").input_value() == "7"
    assert (pixels(page, page.get_by_role("img", name=re.compile("predicted"))) == before).all()
    page.go_back()
    page.get_by_label("Text").wait_for()
    assert page.get_by_label("Text").input_value() == "31"


def test_reload_restores_the_fields_without_sampling(page: Any, address: str) -> None:
    open_view(page, address, "sample", "digits", steps=3, n=2)
    field(page, "Number of images").fill("9")
    page.get_by_role("button", name="4", exact=True).click()
    page.reload()
    page.get_by_role("button", name="4", exact=True, pressed=True).wait_for()
    assert field(page, "Number of images").input_value() == "9"
    assert page.get_by_role("status").first.inner_text() == ""
    page.get_by_role("tab", name="Compare").click()
    page.reload()
    page.get_by_role("tab", name="Sample").click()
    assert field(page, "Number of images").input_value() == "9"


def test_other_model_keeps_count_seed_and_classes_but_has_its_own_sampler(page: Any, address: str) -> None:
    open_view(page, address, "sample", "digits", steps=3)
    field(page, "Number of images").fill("9")
    field(page, "Seed").fill("12")
    page.get_by_role("button", name="4", exact=True).click()
    page.locator("#model").focus()
    page.locator("#model").select_option("fast")
    page.wait_for_url("**model=fast**")
    assert field(page, "Number of images").input_value() == "9" and field(page, "Seed").input_value() == "12"
    assert page.get_by_role("button", name="4", exact=True).get_attribute("aria-pressed") == "true"
    assert page.get_by_role("spinbutton", name="Steps").first.input_value() == "15"
    # The menu keeps the focus.
    assert page.evaluate("document.activeElement.id") == "model"


def test_drawing_is_kept_undone_and_linked(page: Any, address: str) -> None:
    open_view(page, address, "edit", "digits", steps=2)
    canvas = page.get_by_role("application")
    file = {"name": "a.png", "mimeType": "image/png", "buffer": png_bytes((20, 20), (200, 200, 200))}
    page.get_by_label("or load an image").set_input_files(file)
    wait_for_drawing(page)
    drawn = pixels(page, canvas)
    page.get_by_role("button", name="Clear").click()
    assert pixels(page, canvas).max() == 0
    page.get_by_role("button", name="Undo").click()
    assert (pixels(page, canvas) == drawn).all()
    page.wait_for_timeout(400)
    page.reload()
    wait_for_drawing(page)
    assert (pixels(page, canvas) == drawn).all()
    page.get_by_role("button", name="Regenerate from sketch").click()
    wait_for_samples(page)
    page.get_by_role("button", name="Copy link").first.click()
    link = page.url
    page.evaluate("sessionStorage.clear()")
    page.goto("about:blank")
    page.goto(link)
    page.get_by_role("application").wait_for()
    assert (pixels(page, canvas) == drawn).all()


def test_link_of_compare_restores_its_configurations(page: Any, address: str) -> None:
    open_view(page, address, "compare", "digits")
    page.get_by_role("button", name="Add configuration").click()
    for place, steps in enumerate((2, 5, 7)):
        page.get_by_role("spinbutton", name="Steps").nth(place).fill(str(steps))
    page.get_by_label("Images each").fill("3")
    page.get_by_label("Images each").blur()
    page.reload()
    page.get_by_role("group", name="Configuration 3").wait_for()
    assert [each.input_value() for each in page.get_by_role("spinbutton", name="Steps").all()] == ["2", "5", "7"]
    assert page.get_by_label("Images each").input_value() == "3"


def test_expensive_link_waits_for_the_reader(page: Any, address: str) -> None:
    open_view(page, address, "sample", "ddpm-bn", steps=1000, n=64, seed=0)
    page.get_by_text("This link asks for 64,000 network evaluations").wait_for()
    assert page.get_by_role("button", name="Stop").is_disabled()


def test_long_names_do_not_overflow(page: Any, address: str, folder: Any) -> None:
    import shutil

    name = "a" * 180
    shutil.copytree(folder / "runs/short", folder / "runs" / name)
    try:
        page.set_viewport_size({"width": 390, "height": 844})
        for view in ("models", "sample", "edit"):
            open_view(page, address, view, name)
            page.wait_for_timeout(300)
            assert not is_too_wide(page)
    finally:
        shutil.rmtree(folder / "runs" / name)
