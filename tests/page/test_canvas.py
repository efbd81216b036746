"""The drawing canvas: colours, keyboard, image files, accessible names."""

from __future__ import annotations

import base64
import io
import re
from typing import Any

import numpy as np
import pytest
from page_driver import open_view, pixels, png_bytes, wait_for_samples
from PIL import Image

CENTRING = "Scale and centre its ink like MNIST"
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
    page.get_by_label(CENTRING).uncheck()
    file = page.get_by_label("or load an image")
    file.set_input_files({"name": "notes.txt", "mimeType": "image/png", "buffer": b"no image"})
    page.get_by_role("alert").get_by_text("notes.txt cannot be read as an image").wait_for()
    assert file.evaluate("field => field.files.length") == 0
    file.set_input_files({"name": "wide.png", "mimeType": "image/png", "buffer": png_bytes((60, 30), (200, 200, 200))})
    page.get_by_role("status").get_by_text("wide.png is cropped to its central square").wait_for()
    assert page.get_by_role("alert").count() == 0
    assert pixels(page, page.get_by_role("application")).max() == 200


@pytest.mark.parametrize(
    ("paper", "ink", "reported"),
    [
        ((255, 255, 255, 255), 0, True),
        ((0, 0, 0, 0), 0, True),
        ((0, 0, 0, 0), 255, False),
        ((0, 0, 0, 255), 255, False),
    ],
)
def test_a_drawing_on_paper_is_reported_and_inverted(
    paper: tuple[int, ...], ink: int, reported: bool, page: Any, address: str
) -> None:
    drawing = np.full((28, 28, 4), paper, np.uint8)
    drawing[6:22, 12:16] = (ink, ink, ink, 255)
    buffer = io.BytesIO()
    Image.fromarray(drawing).save(buffer, format="PNG")
    open_view(page, address, "edit")
    page.get_by_label(CENTRING).uncheck()
    file = {"name": "drawing.png", "mimeType": "image/png", "buffer": buffer.getvalue()}
    page.get_by_label("or load an image").set_input_files(file)
    canvas = page.get_by_role("application")
    page.wait_for_function("() => document.querySelector('input[type=file]').files.length")
    background = 255 if reported else 0
    page.wait_for_timeout(300)
    found = pixels(page, canvas)[..., 0]
    assert found[2, 2] == background and found[14, 14] == 255 - background
    assert page.get_by_text("drawing.png is dark on light").count() == int(reported)
    page.get_by_role("button", name="Invert").click()
    assert (pixels(page, canvas)[..., 0] == 255 - found).all()


def test_dropped_drawing_is_made_like_mnist_until_that_is_switched_off(page: Any, address: str) -> None:
    drawing = Image.new("L", (300, 200), 250)
    drawing.paste(20, (200, 30, 225, 150))
    buffer = io.BytesIO()
    drawing.save(buffer, format="PNG")
    open_view(page, address, "edit")
    canvas = page.get_by_role("application")
    canvas.evaluate(
        """(canvas, text) => {
        const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0)), dataTransfer = new DataTransfer();
        dataTransfer.items.add(new File([bytes], "one.png", { type: "image/png" }));
        canvas.dispatchEvent(new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true }));
        }""",
        base64.b64encode(buffer.getvalue()).decode(),
    )
    page.get_by_text("one.png was inverted, scaled and centred like the images of MNIST").wait_for()
    found = pixels(page, canvas)[..., 0]
    # 25 by 120 pixels become 4 by 20.
    assert (found[4:24, 12:16] > 250).all() and found.astype(int).sum() < 81 * 255
    page.get_by_label(CENTRING).uncheck()
    page.get_by_text("one.png is cropped to its central square").wait_for()
    assert pixels(page, canvas)[0, 0, 0] == 250
    page.get_by_role("button", name="Undo").click()
    assert (pixels(page, canvas)[..., 0] == found).all()


def test_colour_model_has_ink_and_background(page: Any, address: str, coloured: str) -> None:
    open_view(page, address, "edit", coloured, steps=2)
    canvas = page.get_by_role("application")
    assert page.get_by_label("From class").evaluate("field => field.value") == "blue"
    assert page.get_by_label("To class").evaluate("field => field.value") == "red"
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
