"""Images enlarged by a click or a key: the right one, with its seed, the next ones, and what can be done with it."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from page_driver import is_too_wide, open_view, pixels, wait_for_samples

import inkwash
from inkwash import data

DESKTOP = pytest.mark.parametrize("size", ["desktop"], indirect=True)


def heading(page: Any) -> str:
    return str(page.get_by_role("dialog").get_by_role("heading").text_content())


def enlarged(page: Any) -> np.ndarray:
    """Return the pixels of the image in the dialog, uint8 [H, W]."""
    return pixels(page, page.get_by_role("dialog").get_by_role("img").first)[..., 0]


def click_image(page: Any, canvas: Any, row: int, column: int, per_side: int) -> None:
    """Click the middle of an image of a square grid."""
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    page.mouse.click(
        box["x"] + (column + 0.5) * box["width"] / per_side, box["y"] + (row + 0.5) * box["height"] / per_side
    )


def test_clicked_image_is_enlarged_and_keys_show_the_others(page: Any, address: str) -> None:
    open_view(page, address, "sample", "digits", n=9, seed=4, labels="3,7,1", steps=3)
    wait_for_samples(page)
    ours = inkwash.sample("digits", n=9, seed=4, label=[1, 3, 7], steps=3, progress=False).images
    canvas = page.get_by_role("img", name=re.compile("predicted image, 9 images"))
    click_image(page, canvas, 1, 2, 3)
    assert heading(page) == "predicted image 6 of 9: seed 9, class 7"
    assert np.abs(enlarged(page).astype(int) - ours[5]).max() <= 1
    for key, place in (
        ("ArrowRight", 7),
        ("ArrowLeft", 6),
        ("End", 9),
        ("ArrowRight", 1),
        ("ArrowLeft", 9),
        ("Home", 1),
    ):
        page.keyboard.press(key)
        assert heading(page).startswith(f"predicted image {place} of 9: seed {place + 3},")
        assert np.abs(enlarged(page).astype(int) - ours[place - 1]).max() <= 1
    assert not is_too_wide(page)
    page.keyboard.press("Escape")
    assert page.get_by_role("dialog").count() == 0
    # By keyboard alone, and back to the button.
    button = page.get_by_role("button", name="enlarge an image")
    button.focus()
    page.keyboard.press("Enter")
    assert heading(page).startswith("predicted image 1 of 9")
    page.keyboard.press("Escape")
    assert button.evaluate("button => button === document.activeElement")


def test_seed_of_an_image_is_used_again(page: Any, address: str) -> None:
    open_view(page, address, "sample", "digits", n=4, seed=4, steps=3)
    wait_for_samples(page)
    canvas = page.get_by_role("img", name=re.compile("predicted image, 4 images"))
    click_image(page, canvas, 1, 0, 2)
    image = enlarged(page)
    page.get_by_role("button", name="Reuse seed").click()
    page.get_by_text("Seed 6 is set").wait_for()
    field = page.get_by_label("Seed", exact=True)
    assert field.input_value() == "6" and field.evaluate("field => field === document.activeElement")
    page.keyboard.press("Enter")
    wait_for_samples(page)
    assert (pixels(page, canvas)[: image.shape[0], : image.shape[1], 0] == image).all()
    assert "seed=6" in page.url


@DESKTOP
def test_image_is_put_onto_the_canvas_of_edit_and_undone(page: Any, address: str) -> None:
    open_view(page, address, "edit", "digits", noise=0.35)
    page.get_by_role("button", name="Start from a sample").click()
    wait_for_samples(page)
    canvas = page.get_by_role("application")
    before = pixels(page, canvas)
    page.get_by_role("tab", name="Write").click()
    page.get_by_role("button", name="Write", exact=True).click()
    wait_for_samples(page)
    written = page.get_by_role("img", name=re.compile("4 images"))
    written.scroll_into_view_if_needed()
    box = written.bounding_box()
    page.mouse.click(box["x"] + 0.6 * box["width"], box["y"] + box["height"] / 2)
    assert heading(page).startswith("predicted image 3 of 4")
    image = enlarged(page)
    page.get_by_role("button", name="Use in Edit").click()
    page.get_by_role("heading", name="Sketch and regenerate").wait_for()
    assert (pixels(page, canvas)[..., 0] == image).all()
    # What was set and drawn there is kept.
    assert page.get_by_role("slider", name="Noise strength").input_value() == "0.35"
    page.get_by_role("button", name="Undo").click()
    assert (pixels(page, canvas) == before).all()


@DESKTOP
def test_nearest_training_image_is_shown_beside_an_image(page: Any, address: str) -> None:
    open_view(page, address, "sample", "digits", n=2, seed=0, steps=3)
    wait_for_samples(page)
    page.get_by_role("button", name="enlarge an image").click()
    page.get_by_role("button", name="Nearest training image").click()
    page.get_by_role("img", name="nearest training image").wait_for()
    count = len(data.load("digits"))
    page.get_by_text(
        re.compile(rf"Nearest of {count:,} training images, class \d: RMS difference [\d.]+ grey")
    ).wait_for()
    page.keyboard.press("ArrowRight")
    assert page.get_by_role("img", name="nearest training image").count() == 0


def test_milestones_of_a_run_are_enlarged_in_turn(page: Any, address: str) -> None:
    open_view(page, address, "models", "digits")
    page.get_by_role("button", name=re.compile("^enlarge ")).first.click()
    first = heading(page)
    page.get_by_role("button", name="next image").click()
    assert heading(page) != first
    page.get_by_role("button", name="previous image").click()
    assert heading(page) == first
    page.get_by_role("button", name="Close").click()
    assert page.get_by_role("dialog").count() == 0
