"""Play: points are drawn or chosen, particles follow their denoiser, a network is trained; links restore all of it."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from page_driver import is_too_wide, open_view, pixels

DESKTOP = pytest.mark.parametrize("size", ["desktop"], indirect=True)
RESULT = re.compile(r"Energy distance to .* points: ODE ([\d.-]+), SDE ([\d.-]+); at the start (\d\.\d+)")


def distances(page: Any) -> list[float]:
    """Wait for the end of a run and return the energy distances of ODE, SDE and start."""
    result = page.get_by_text(RESULT)
    result.wait_for(timeout=180_000)
    return [float(value) for value in RESULT.search(result.inner_text()).groups()]  # type: ignore[union-attr]


def test_particles_reach_the_data_and_move_with_the_time(page: Any, address: str) -> None:
    open_view(page, address, "play", data="spiral", seed=1, steps=12)
    ode, sde, start = distances(page)
    assert max(ode, sde) < 0.02 < start
    canvas = page.get_by_role("img", name="particles of the ODE")
    end = pixels(page, canvas)
    assert page.get_by_text("step 12 of 12, sigma 0.00").is_visible()
    slider = page.get_by_role("slider", name="time")
    slider.focus()
    page.keyboard.press("Home")
    assert page.get_by_text("step 0 of 12, sigma 1.00").is_visible()
    first = pixels(page, canvas)
    assert (first != end).mean() > 0.05
    # Both start from the same noise.
    page.get_by_label("Score arrows").uncheck()
    assert (pixels(page, canvas) == pixels(page, page.get_by_role("img", name="particles of the SDE"))).all()
    assert not is_too_wide(page)


@DESKTOP
def test_drawn_points_are_sampled_and_restored_by_the_link(page: Any, address: str) -> None:
    open_view(page, address, "play", steps=8)
    page.get_by_role("button", name="Clear").click()
    page.get_by_role("button", name="Run").click()
    page.get_by_role("alert").get_by_text("There are no points").wait_for()
    pad = page.get_by_role("application")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.3 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.7 * box["width"], box["y"] + 0.3 * box["height"], steps=8)
    page.mouse.up()
    page.get_by_role("button", name="Class B").click()
    pad.focus()
    for key in ["ArrowDown"] * 10 + ["Space"] * 3:
        page.keyboard.press(key)
    page.keyboard.press("Tab")
    assert page.get_by_label("Distribution").input_value() == "drawn"
    drawn = pixels(page, pad)
    page.get_by_role("button", name="Run").click()
    ode, _, start = distances(page)
    assert ode < 0.1 * start
    page.get_by_role("button", name="Copy link").click()
    link = page.url
    page.evaluate("sessionStorage.clear()")
    page.goto("about:blank")
    page.goto(link)
    distances(page)
    again = pixels(page, pad)
    assert np.abs(again.astype(int) - drawn.astype(int)).mean() < 2


@DESKTOP
def test_guided_particles_stay_in_their_class(page: Any, address: str) -> None:
    open_view(page, address, "play", seed=1, steps=10, **{"class": 1}, guidance=1)
    ode, sde, start = distances(page)
    assert ode < 0.02 and sde < 0.02 and start > 0.05
    assert page.get_by_text("score of class A (blue)").is_visible()


@DESKTOP
def test_network_is_trained_in_the_browser_and_samples_the_data(page: Any, address: str) -> None:
    open_view(page, address, "play", denoiser="network", steps=15)
    page.get_by_role("button", name="Run").click()
    page.get_by_text(re.compile(r"step \d+ of 1500, loss")).wait_for()
    # The page responds meanwhile, and Stop ends the training.
    page.get_by_role("button", name="Stop").click()
    page.get_by_text("Stopped.").wait_for()
    page.get_by_role("button", name="Run").click()
    ode, sde, start = distances(page)
    assert max(ode, sde) < 0.03 < start
    assert page.get_by_text(re.compile(r"trained in \d+\.\d s")).is_visible()
    assert page.get_by_role("button", name="Copy Python").is_disabled()


@DESKTOP
def test_a_network_trained_for_other_points_is_not_used(page: Any, address: str) -> None:
    open_view(page, address, "play", denoiser="network", steps=15)
    page.get_by_role("button", name="Run").click()
    page.get_by_text(re.compile(r"step \d+ of 1500, loss")).wait_for()
    page.get_by_label("Distribution").select_option("spiral")
    page.get_by_role("button", name="Run").click()
    page.get_by_text(re.compile(r"step \d+ of 1500, loss")).wait_for()
    ode, _, start = distances(page)
    assert ode < start
