"""Accessibility: axe-core finds no violation in any view, light and dark, wide and narrow, with its output shown."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from page_driver import is_too_wide, open_view, violations, wait_for_samples


def press(name: str) -> Callable[[Any], None]:
    """Return a function that presses a button and waits for the samples."""

    def pressed(page: Any) -> None:
        page.get_by_role("button", name=name, exact=True).click()
        wait_for_samples(page)

    return pressed


def compare(page: Any) -> None:
    page.get_by_role("button", name="Compare", exact=True).click()
    page.get_by_text("All configurations use the same seeds").wait_for()
    page.get_by_role("button", name="Sample the grid").click()
    page.get_by_text(re.compile(r"^Cell (\d+) of \1 is finished")).wait_for()


def interpolate(page: Any) -> None:
    page.get_by_role("button", name="Start from a sample").click()
    wait_for_samples(page)
    press("Regenerate from sketch")(page)


def play(page: Any) -> None:
    page.get_by_role("button", name="Run").click()
    page.get_by_text("Energy distance to").wait_for()


def shown(text: str) -> Callable[[Any], None]:
    return lambda page: page.get_by_text(re.compile(text)).first.wait_for()


VIEWS: dict[str, Callable[[Any], None]] = {
    "sample": press("Sample"),
    "write": press("Write"),
    "edit": interpolate,
    "compare": compare,
    "denoise": shown("posterior mean over"),
    "understand": press("Sample"),
    "play": play,
    "models": shown("Model card|parameters"),
}


@pytest.mark.parametrize("view", VIEWS)
def test_axe_finds_no_violation_in_a_view(page: Any, address: str, axe: str, view: str) -> None:
    open_view(page, address, view, "digits", steps=2)
    assert violations(page, axe) == []
    VIEWS[view](page)
    for each in page.locator("details > summary").all():
        each.click()
    assert violations(page, axe) == []
    assert not is_too_wide(page)


def test_axe_finds_no_violation_in_an_enlarged_image(page: Any, address: str, axe: str) -> None:
    open_view(page, address, "sample", "digits", n=4, seed=1, steps=2)
    wait_for_samples(page)
    page.get_by_role("button", name="enlarge an image").click()
    page.get_by_role("button", name="Nearest training image").click()
    page.get_by_role("img", name="nearest training image").wait_for()
    assert violations(page, axe) == []
    assert not is_too_wide(page)


def test_axe_finds_no_violation_beside_a_prompt(page: Any, address: str, axe: str) -> None:
    open_view(page, address, "sample", "words-one-step", prompt="a%20bold%20seven")
    page.get_by_text("Understood as: 7, thickness 85%").wait_for()
    assert violations(page, axe) == []
    page.get_by_role("slider", name="thickness").focus()
    page.keyboard.press("End")
    page.get_by_text("attribute thickness is given and in the prompt").wait_for()
    for each in page.locator("details > summary").all():
        each.click()
    assert violations(page, axe) == []
    assert not is_too_wide(page)


def test_axe_finds_no_violation_in_an_edit_of_attributes(page: Any, address: str, axe: str) -> None:
    open_view(page, address, "edit", "words", steps=2, sampler="ddpm", encode=1, attributes="slant:20")
    page.get_by_role("button", name="Start from a sample").click()
    wait_for_samples(page)
    assert violations(page, axe) == []
    press("Regenerate from sketch")(page)
    page.get_by_text("Encoded (the drawing itself is reconstructed to").wait_for()
    for each in page.locator("details > summary").all():
        each.click()
    assert violations(page, axe) == []
    assert not is_too_wide(page)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("", "New here?"),
        ("#sample?model=one-step", "16 images in"),
        ("#sample?model=words-one-step", "16 images in"),
        ("api", "/api/denoise"),
    ],
)
def test_axe_finds_no_violation_in_tour_live_images_and_reference(
    page: Any, address: str, axe: str, path: str, text: str
) -> None:
    page.goto(f"{address}{path}")
    page.get_by_text(text).first.wait_for()
    assert violations(page, axe) == []
