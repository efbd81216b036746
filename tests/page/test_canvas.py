"""The drawing canvas: colours, keyboard, image files, accessible names."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from page_driver import open_view, pixels, png_bytes, wait_for_samples

pytestmark = pytest.mark.parametrize("size", ["desktop"], indirect=True)


def test_fields_of_the_edit_view_have_accessible_names(page: Any, address: str) -> None:
    open_view(page, address, "edit")
    assert page.get_by_role("slider", name=re.compile("^Noise strength")).count() == 1
    assert page.get_by_label("Ink", exact=True).count() == 0


def test_keyboard_stroke_is_white_and_its_position_is_announced(page: Any, address: str) -> None:
    open_view(page, address, "edit")
    canvas = page.get_by_role("application")
    canvas.focus()
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")
    page.get_by_text("Draw: tool down at column 15, row 16.").wait_for()
    page.keyboard.press("Tab")
    found = pixels(page, canvas)[..., 0]
    assert (found[14:16, 14] == 255).all() and (found[14:16, 12] == 0).all() and (found[14:16, 16] == 0).all()


def test_invalid_image_file_is_reported_and_a_wide_one_is_cropped(page: Any, address: str) -> None:
    open_view(page, address, "edit")
    file = page.get_by_label("or load an image")
    file.set_input_files({"name": "notes.txt", "mimeType": "image/png", "buffer": b"no image"})
    page.get_by_role("alert").get_by_text("notes.txt cannot be read as an image").wait_for()
    assert file.evaluate("field => field.files.length") == 0
    file.set_input_files({"name": "wide.png", "mimeType": "image/png", "buffer": png_bytes((60, 30), (200, 200, 200))})
    page.get_by_role("status").get_by_text("wide.png is cropped to its central square").wait_for()
    assert page.get_by_role("alert").count() == 0
    assert pixels(page, page.get_by_role("application")).max() == 200


def test_colour_model_has_ink_and_background(page: Any, address: str, coloured: str) -> None:
    open_view(page, address, "edit", coloured, steps=2)
    canvas = page.get_by_role("application")
    assert page.get_by_label("From class").evaluate("field => field.value") == "0"
    assert page.get_by_label("To class").evaluate("field => field.value") == "1"
    page.get_by_label("Background").fill("#102030")
    page.get_by_role("button", name="Regenerate from sketch").click()
    page.get_by_role("alert").get_by_text("The canvas is blank").wait_for()
    page.get_by_label("Ink").fill("#c80064")
    canvas.focus()
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    found = pixels(page, canvas)
    assert found[0, 0].tolist() == [16, 32, 48] and [200, 0, 100] in found.reshape(-1, 3).tolist()
    page.get_by_role("button", name="Regenerate from sketch").click()
    wait_for_samples(page)
    sheet = {"name": "sheet.png", "mimeType": "image/png", "buffer": png_bytes((20, 16), (250, 240, 230))}
    page.get_by_label("or load an image").set_input_files(sheet)
    page.get_by_text("sheet.png is cropped").wait_for()
    page.get_by_role("button", name="Clear").click()
    assert np.unique(pixels(page, canvas).reshape(-1, 3), axis=0).tolist() == [[250, 240, 230]]
    assert page.get_by_label("Background").input_value() == "#faf0e6"
