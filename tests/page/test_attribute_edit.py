"""Edit: "Keep this digit, change its attributes", its sliders, its result, and what reproduces it."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest
import torch
from page_driver import exported_page, is_too_wide, open_view, pixels, wait_for_samples

import inkwash
from inkwash.attributes import measure
from inkwash.cli.reproduce import reproduce

DESKTOP = pytest.mark.parametrize("size", ["desktop"], indirect=True)
SWITCH = "Keep this digit, change its attributes"
DIGIT = inkwash.sample("words", n=1, label=3, seed=2, progress=False).values[0]
IMAGE = quote(base64.b64encode(DIGIT.numpy().tobytes()), safe="")
RESULT = re.compile("predicted image, 8 images")


def regenerate(page: Any) -> np.ndarray:
    """Press the button and return the shown images, [2, 4, 28, 28]."""
    page.get_by_role("button", name="Regenerate from sketch").click()
    wait_for_samples(page)
    page.get_by_text(re.compile(r"Encoded \(the drawing itself is reconstructed to \d+\.\d grey levels")).wait_for()
    found = pixels(page, page.get_by_role("img", name=RESULT))[..., 0]
    return np.pad(found, ((0, 1), (0, 1))).reshape(2, 29, 4, 29).transpose(0, 2, 1, 3)[..., :28, :28]


def thickness(images: np.ndarray) -> float:
    """Return the mean measured thickness of images [..., 28, 28] in pixels."""
    return float(measure(torch.from_numpy(images.reshape(-1, 1, 28, 28).copy()), ["thickness"]).mean())


def test_thickness_of_the_drawing_is_changed_and_at_rest_is_kept(page: Any, address: str, tmp_path: Path) -> None:
    open_view(page, address, "edit", "words", image=IMAGE)
    assert page.get_by_role("slider", name="thickness").count() == 0
    page.get_by_label(SWITCH).check()
    assert page.get_by_role("slider", name="Noise strength").count() == 0
    assert page.get_by_role("button", name="Fill marked area").count() == 0
    page.get_by_text("Settings", exact=True).first.click()
    steps = page.get_by_role("spinbutton", name="Steps").first
    assert steps.input_value() == "50"
    slider = page.get_by_role("slider", name="thickness")
    assert slider.get_attribute("aria-valuetext") == "as drawn"
    drawn = DIGIT[0].numpy()
    same = regenerate(page)
    assert np.sqrt(np.mean((same.astype(float) - drawn) ** 2)) < 4
    # The knob at rest is where the drawing is.
    assert slider.get_attribute("aria-valuetext") == f"as drawn ({thickness(drawn):.2f} pixels)"
    assert float(slider.input_value()) == pytest.approx(thickness(drawn), abs=0.05)
    slider.focus()
    page.keyboard.press("End")
    for _ in range(40):
        page.keyboard.press("ArrowLeft")
    page.get_by_role("button", name="3", exact=True).click()
    bolder = regenerate(page)
    assert thickness(bolder) > thickness(drawn) + 0.5
    assert not is_too_wide(page)
    value = slider.input_value()
    settings = "-n 8 --seed 0 --label 3 --sampler ddpm --steps 50 --guidance 1"
    page.get_by_text(f"{settings} --set-attribute thickness={value} --from drawing.png --encode").wait_for()
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Save drawing").click()
    assert waiting.value.suggested_filename == "drawing.png"
    waiting.value.save_as(tmp_path / "drawing.png")
    page.get_by_role("button", name="as drawn thickness").click()
    page.get_by_role("button", name="Invert").click()
    assert slider.get_attribute("aria-valuetext") == "as drawn"
    given: dict[str, Any] = {
        "image": tmp_path / "drawing.png",
        "encode": True,
        "attributes": {"thickness": float(value)},
    }
    expected = inkwash.sample("words", n=8, label=3, sampler="ddpm", steps=50, progress=False, **given).images
    assert np.abs(bolder.reshape(8, 28, 28).astype(int) - expected.astype(int)).max() <= 1


@DESKTOP
def test_link_and_png_restore_the_edit(page: Any, address: str, tmp_path: Path) -> None:
    given: dict[str, object] = {
        "image": IMAGE,
        "encode": 1,
        "steps": 8,
        "sampler": "ddpm",
        "attributes": "slant:20",
        "labels": 3,
    }
    open_view(page, address, "edit", "words", **given)
    first = regenerate(page)
    with page.expect_download() as waiting:
        page.get_by_role("button", name="PNG", exact=True).first.click()
    waiting.value.save_as(tmp_path / "a.png")
    assert reproduce(tmp_path / "a.png", None, "cpu", quiet=True) == 0
    page.get_by_role("button", name="Copy link").first.click()
    link = page.url
    page.evaluate("sessionStorage.clear()")
    page.goto("about:blank")
    page.goto(link)
    assert page.get_by_label(SWITCH).is_checked()
    assert page.get_by_role("slider", name="slant").get_attribute("aria-valuetext") == "20 degrees"
    assert (regenerate(page) == first).all()


@DESKTOP
def test_prompt_that_is_refused_is_reported_and_not_sampled(page: Any, address: str) -> None:
    open_view(page, address, "edit", "words", image=IMAGE, encode=1)
    sent: list[Any] = []
    page.on("request", lambda each: sent.append(each) if each.url.endswith("/api/sample") else None)
    page.get_by_label("Prompt").fill("a bolt 3")
    page.get_by_role("button", name="Regenerate from sketch").click()
    page.get_by_role("alert").get_by_text("unknown word 'bolt'").wait_for()
    assert not sent


@DESKTOP
def test_comparative_in_the_prompt_moves_the_slider_from_the_drawing(page: Any, address: str) -> None:
    open_view(page, address, "edit", "words", image=IMAGE, encode=1, steps=8, sampler="ddpm")
    page.get_by_label("Prompt").fill("this 3, bolder")
    std = next(spec.std for spec in inkwash.load("words", device="cpu").spec.attributes if spec.name == "thickness")
    before = thickness(DIGIT[0].numpy())
    slider = page.get_by_role("slider", name="thickness")
    assert thickness(regenerate(page)) > before + 0.5 * std
    assert float(slider.input_value()) == pytest.approx(before + std, abs=0.05)


@DESKTOP
@pytest.mark.parametrize("model", ["fast", "words-one-step"])
def test_models_that_cannot_keep_a_digit_have_no_switch(page: Any, address: str, model: str) -> None:
    open_view(page, address, "edit", model)
    page.get_by_role("button", name="Regenerate from sketch").wait_for()
    assert page.get_by_label(SWITCH).count() == 0


@DESKTOP
def test_exported_page_has_no_switch(page: Any, tmp_path: Path) -> None:
    with exported_page(inkwash.load("words", device="cpu"), "words", tmp_path / "page") as url:
        open_view(page, url, "edit", "words")
        page.get_by_role("button", name="Regenerate from sketch").wait_for()
        assert page.get_by_label(SWITCH).count() == 0
