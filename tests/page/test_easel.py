"""The easel: colour and ground, keys that are heard, files that are none, and names that a screen reader has for it."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from looking import begin, finish, picture, pixels

pytestmark = pytest.mark.parametrize("size", ["desktop"], indirect=True)


def test_every_field_of_the_easel_has_its_name(page: Any, address: str) -> None:
    begin(page, address, "edit")
    assert page.get_by_role("slider", name=re.compile("^Noise first")).count() == 1
    assert page.get_by_label("Ink", exact=True).count() == 0


def test_a_stroke_by_keys_is_white_in_its_middle_and_its_place_is_heard(page: Any, address: str) -> None:
    begin(page, address, "edit")
    easel = page.get_by_role("application")
    easel.focus()
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")
    page.get_by_text("Draw: tool down at column 15, row 16.").wait_for()
    page.keyboard.press("Tab")
    found = pixels(page, easel)[..., 0]
    assert (found[14:16, 14] == 255).all() and (found[14:16, 12] == 0).all() and (found[14:16, 16] == 0).all()


def test_a_file_that_is_no_picture_is_said_and_a_wide_one_is_cropped(page: Any, address: str) -> None:
    begin(page, address, "edit")
    file = page.get_by_label("or load a picture")
    file.set_input_files({"name": "notes.txt", "mimeType": "image/png", "buffer": b"no picture"})
    page.get_by_role("alert").get_by_text("notes.txt cannot be read as a picture").wait_for()
    assert file.evaluate("field => field.files.length") == 0
    file.set_input_files({"name": "wide.png", "mimeType": "image/png", "buffer": picture((60, 30), (200, 200, 200))})
    page.get_by_role("status").get_by_text("wide.png was cropped to its middle square").wait_for()
    assert page.get_by_role("alert").count() == 0
    assert pixels(page, page.get_by_role("application")).max() == 200


def test_a_model_of_colour_is_drawn_for_in_colour(page: Any, address: str, coloured: str) -> None:
    begin(page, address, "edit", coloured, steps=2)
    easel = page.get_by_role("application")
    assert page.get_by_label("From class").evaluate("field => field.value") == "0"
    assert page.get_by_label("To class").evaluate("field => field.value") == "1"
    page.get_by_label("Ground").fill("#102030")
    page.get_by_role("button", name="Start from it").click()
    page.get_by_role("alert").get_by_text("Draw something first").wait_for()
    page.get_by_label("Ink").fill("#c80064")
    easel.focus()
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    found = pixels(page, easel)
    assert found[0, 0].tolist() == [16, 32, 48] and [200, 0, 100] in found.reshape(-1, 3).tolist()
    page.get_by_role("button", name="Start from it").click()
    finish(page)
    sheet = {"name": "sheet.png", "mimeType": "image/png", "buffer": picture((20, 16), (250, 240, 230))}
    page.get_by_label("or load a picture").set_input_files(sheet)
    page.get_by_text("sheet.png was cropped").wait_for()
    page.get_by_role("button", name="Clear").click()
    assert np.unique(pixels(page, easel).reshape(-1, 3), axis=0).tolist() == [[250, 240, 230]]
    assert page.get_by_label("Ground").input_value() == "#faf0e6"
