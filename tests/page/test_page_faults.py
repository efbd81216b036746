"""Stop, progress and errors while sampling; runs without measurements; contrast, focus, small windows, the theme."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from page_driver import is_too_wide, open_view, wait_for_samples

DESKTOP = pytest.mark.parametrize("size", ["desktop"], indirect=True)
PHONE = pytest.mark.parametrize("size", ["phone"], indirect=True)


@DESKTOP
@pytest.mark.parametrize(("view", "button"), [("sample", "Sample"), ("write", "Write"), ("understand", "Sample")])
def test_stop_ends_a_long_request(page: Any, address: str, view: str, button: str) -> None:
    open_view(page, address, view, "cfg-cosine", steps=1000)
    page.get_by_role("button", name=button, exact=True).click()
    page.get_by_role("progressbar").first.wait_for()
    page.get_by_role("button", name="Stop").first.click()
    page.get_by_text("Stopped.").wait_for()
    assert page.get_by_role("button", name="Stop").first.is_disabled()
    assert page.get_by_role("progressbar").count() == 0
    for name in ("PNG", "Copy link"):
        assert all(each.is_disabled() for each in page.get_by_role("button", name=name).all())


@DESKTOP
def test_server_that_ends_while_it_samples_is_reported(browser: Any, size: str, folder: Path) -> None:
    # Not the fixture, because the browser logs the connection that was lost.
    page = browser.new_page()
    command = [sys.executable, "-m", "inkwash", "serve", "--port", "0", "--quiet"]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2] / "src")}
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True, env=environment) as server:
        assert server.stdout is not None
        open_view(page, server.stdout.readline().strip(), "sample", "ddpm-bn", steps=1000)
        page.get_by_role("button", name="Sample", exact=True).click()
        page.get_by_text(re.compile("^step 0 of 1000")).wait_for()
        server.kill()
        page.get_by_role("alert").get_by_text("the server ended while it was sampling").wait_for()
    page.close()


@DESKTOP
def test_run_without_measurements_is_shown(page: Any, address: str, folder: Path) -> None:
    begun = folder / "runs/begun"
    shutil.copytree(folder / "runs/short", begun)
    try:
        shutil.rmtree(begun / "samples")
        rows = [json.loads(line) for line in (begun / "metrics.jsonl").read_text().splitlines()]
        kept = [row for row in rows if row["kind"] == "train"]
        (begun / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in kept))
        open_view(page, address, "models", "begun")
        page.get_by_role("img", name="training and validation loss").wait_for()
        assert "false" not in page.get_by_role("region", name="About begun").inner_text()
        (begun / "metrics.jsonl").write_text("")
        page.reload()
        page.get_by_text("No measurements yet.").wait_for()
    finally:
        shutil.rmtree(begun)


@DESKTOP
def test_charts_run_as_the_step_slider(page: Any, address: str) -> None:
    open_view(page, address, "understand", "moons", steps=5, n=10, seed=0)
    wait_for_samples(page)
    places = []
    page.get_by_role("slider", name="step").focus()
    for key in ("Home", "ArrowRight", "ArrowRight", "End"):
        page.keyboard.press(key)
        places.append(float(page.locator("svg .mark").first.get_attribute("x1")))
    assert places == sorted(places) and places[-1] - places[0] > 100
    assert page.get_by_text("cosine, offset 0.008").count() == 1 and page.get_by_text("sampled points").count() == 1


@DESKTOP
def test_focus_is_not_lost_with_the_view(page: Any, address: str) -> None:
    open_view(page, address, "models", "digits")
    page.get_by_role("button", name=re.compile("^fast")).click()
    page.get_by_role("heading", name="fast").wait_for()
    assert page.evaluate("document.activeElement.id") == "main"


@PHONE
def test_fields_have_legible_text_and_visible_borders(page: Any, address: str) -> None:
    open_view(page, address, "sample", "fast")
    for theme in ("light", "dark"):
        page.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
        found = page.get_by_label("Seed", exact=True).evaluate(
            """field => { const style = getComputedStyle(field), panel = getComputedStyle(field.closest(".panel"));
            return [parseFloat(style.fontSize), style.borderTopColor, panel.backgroundColor]; }"""
        )
        assert found[0] >= 16 and contrast(found[1], found[2]) >= 3


def contrast(first: str, second: str) -> float:
    """Return the contrast ratio of two CSS colours (WCAG 2.2)."""

    def luminance(colour: str) -> float:
        linear = [int(value) / 255 for value in re.findall(r"\d+", colour)[:3]]
        linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in linear]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)


@PHONE
def test_every_view_fits_320_pixels(page: Any, address: str) -> None:
    page.set_viewport_size({"width": 320, "height": 700})
    for view in ("sample", "write", "edit", "compare", "understand", "models"):
        open_view(page, address, view, "digits")
        page.wait_for_timeout(200)
        assert not is_too_wide(page), view


@DESKTOP
def test_theme_follows_the_system_until_one_is_chosen(page: Any, address: str) -> None:
    theme = "document.documentElement.dataset.theme"
    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme)
        page.goto(address)
        page.get_by_role("tab", name="Sample").wait_for()
        assert page.evaluate(theme) == scheme
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(f"() => {theme} === 'dark'")
    page.get_by_role("button", name="Switch between dark and light theme").click()
    page.emulate_media(color_scheme="light")
    page.emulate_media(color_scheme="dark")
    assert page.evaluate(theme) == "light"


STATES = """() => {
  const style = element => getComputedStyle(element), background = style(document.body).backgroundColor;
  const is = (element, name) => element.getAttribute(name) === "true";
  const [tabs, chips] = ["[role=tab]", ".chips button"].map(each => [...document.querySelectorAll(each)]);
  const colours = (all, name, property) => [true, false].map(state =>
    [...new Set(all.filter(each => is(each, name) === state).map(each => style(each)[property]))]);
  const focus = element => {
    element.focus({ focusVisible: true });
    const { outlineStyle, outlineWidth, outlineColor } = style(element);
    return outlineStyle === "solid" && parseFloat(outlineWidth) >= 2 && outlineColor !== background;
  };
  const [on, off] = [true, false].map(state => chips.find(chip => is(chip, "aria-pressed") === state));
  return {
    tabs: colours(tabs, "aria-selected", "borderBottomColor"),
    chips: colours(chips, "aria-pressed", "backgroundColor"),
    text: style(on).color,
    focus: [tabs[0], on, off, ...document.querySelectorAll("input[type=range], select")].map(focus),
  };
}"""


@DESKTOP
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_states_and_focus_are_visible_in_forced_colours(page: Any, address: str, scheme: str) -> None:
    page.emulate_media(forced_colors="active", color_scheme=scheme, reduced_motion="reduce")
    open_view(page, address, "sample", "one-step")
    page.get_by_label("Seed morph").wait_for()
    found = page.evaluate(STATES)
    for name in ("tabs", "chips"):
        (on,), (off,) = found[name]
        # WCAG 2.2, 1.4.11: 3:1 for the states of a control.
        assert contrast(on, off) >= 3, name
    assert contrast(found["text"], found["chips"][0][0]) >= 4.5
    assert all(found["focus"]), found["focus"]


@DESKTOP
def test_interpolation_does_not_play_with_reduced_motion(page: Any, address: str) -> None:
    open_view(page, address, "edit", "digits", steps=2, images=4)
    page.get_by_role("button", name="Interpolate").click()
    page.get_by_text("image 4 of 4").wait_for()
    assert (
        page.get_by_role("button", name="play").count() >= 1 and page.get_by_role("button", name="pause").count() == 0
    )
