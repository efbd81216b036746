"""Denoise: a drawing is noised and denoised while a slider moves; the link restores it; the keyboard reaches everything."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import torch
from page_driver import is_too_wide, open_view, pixels

from inkwash import data
from inkwash.core import Level
from inkwash.core.rng import Stream, normals
from inkwash.data import decode, encode

DESKTOP = pytest.mark.parametrize("size", ["desktop"], indirect=True)
LEVEL = re.compile(r"with alpha (\S+), sigma (\S+): (\S+)% of the variance is noise")
ERROR = re.compile(r"RMS error (\S+) grey levels")
EXACT = re.compile(r"posterior mean over ([\d,]+) training images of digits")


def picture(page: Any, name: str) -> np.ndarray:
    """Return the pixels of a picture, [H, W]."""
    return pixels(page, page.get_by_role("img", name=name, exact=True))[..., 0]


def level(page: Any) -> tuple[float, float]:
    """Return alpha and sigma of the shown level."""
    text = page.get_by_text(LEVEL).inner_text()
    alpha, sigma, _ = LEVEL.search(text).groups()  # type: ignore[union-attr]
    return float(alpha), float(sigma)


def errors(page: Any) -> list[float]:
    """Return the RMS errors of the network and of the exact denoiser, once both are shown."""
    page.get_by_text(EXACT).wait_for()
    page.wait_for_function(
        "() => [...document.querySelectorAll('figure')].filter((f) => /RMS/.test(f.innerText)).length === 2"
    )
    return [float(ERROR.search(text).group(1)) for text in page.get_by_text(ERROR).all_inner_texts()]  # type: ignore[union-attr]


def move_to(page: Any, noise: float) -> None:
    """Move the slider, and wait for its level."""
    before = page.get_by_text(LEVEL).inner_text()
    page.get_by_role("slider", name=re.compile("^Noise level")).fill(str(noise))
    page.wait_for_function("before => !document.body.innerText.includes(before)", arg=before)
    page.wait_for_timeout(600)


def test_drawing_is_noised_and_predicted_while_the_slider_moves(page: Any, address: str) -> None:
    open_view(page, address, "denoise", "digits", noise=0.1, seed=5)
    low = errors(page)
    drawing = pixels(page, page.get_by_role("application"))[..., 0]
    alpha, sigma = level(page)
    noise = normals(5, 0, 0, Stream.SAMPLE, (8, 8))[0]
    image = encode(torch.from_numpy(drawing.copy()))
    expected = decode(Level(alpha, sigma).mix(image[None], noise[None])[0]).numpy()
    assert np.abs(picture(page, "noisy image").astype(int) - expected).max() <= 1
    assert (picture(page, "network") == picture(page, "x0, the image")).all()
    assert np.abs(picture(page, "eps, the noise").astype(int) - decode(noise / 2).numpy()).mean() < 40
    move_to(page, 0.9)
    high = errors(page)
    assert all(few < many for few, many in zip(low, high, strict=True))
    assert page.get_by_role("img", name="power spectra of drawing, noise and mixture").is_visible()
    assert not is_too_wide(page)


@DESKTOP
def test_exact_denoiser_of_little_noise_shows_a_training_image(page: Any, address: str) -> None:
    open_view(page, address, "denoise", "digits", noise=0.02)
    errors(page)
    train = data.load("digits").values[:, 0].numpy().astype(int)
    found = picture(page, "exact denoiser").astype(int)
    assert np.abs(train - found).max(axis=(1, 2)).min() <= 1


@DESKTOP
def test_noise_stays_until_new_noise_is_asked_for(page: Any, address: str) -> None:
    open_view(page, address, "denoise", "digits", noise=0.8, seed=1)
    errors(page)
    first = picture(page, "noisy image")
    move_to(page, 0.3)
    move_to(page, 0.8)
    assert (picture(page, "noisy image") == first).all()
    page.get_by_role("button", name="New noise").click()
    assert page.get_by_label("Seed of the noise").input_value() != "1"
    page.wait_for_timeout(800)
    assert (picture(page, "noisy image") != first).mean() > 0.5


@DESKTOP
def test_keyboard_draws_and_moves_the_noise_and_the_link_restores_both(page: Any, address: str) -> None:
    open_view(page, address, "denoise", "digits", noise=0.5)
    errors(page)
    page.get_by_role("button", name="Clear").focus()
    page.keyboard.press("Enter")
    canvas = page.get_by_role("application")
    canvas.focus()
    for key in ["Space", "ArrowDown", "ArrowDown", "Tab"]:
        page.keyboard.press(key)
    drawn = pixels(page, canvas)
    assert drawn.max() == 255
    slider = page.get_by_role("slider", name=re.compile("^Noise level"))
    slider.focus()
    for _ in range(10):
        page.keyboard.press("ArrowRight")
    page.get_by_text("Noise level u 0.60").wait_for()
    page.wait_for_timeout(600)
    noisy = picture(page, "noisy image")
    page.get_by_role("button", name="Copy link").focus()
    page.keyboard.press("Enter")
    page.get_by_role("status").get_by_text("Link").wait_for()
    link = page.url
    assert "image=" in link and "noise=0.6" in link
    page.evaluate("sessionStorage.clear()")
    page.goto("about:blank")
    page.goto(link)
    errors(page)
    assert (pixels(page, canvas) == drawn).all() and (picture(page, "noisy image") == noisy).all()
    code = page.get_by_text(re.compile("^inkwash sample digits --from drawing.png --noise 0.6 --seed 0 -n 1"))
    assert code.is_visible() and page.get_by_role("button", name="Copy Python").is_enabled()


@DESKTOP
def test_model_of_one_step_shows_the_network_of_several(page: Any, address: str) -> None:
    open_view(page, address, "denoise", "one-step", noise=0.3)
    page.get_by_text("Shown is the network of fast").wait_for()
    page.get_by_text(LEVEL).wait_for()
    page.get_by_text(ERROR).first.wait_for()
    error = float(ERROR.search(page.get_by_text(ERROR).first.inner_text()).group(1))  # type: ignore[union-attr]
    assert error < 40
    open_view(page, address, "denoise", "moons")
    page.get_by_text("moons samples points, and this view is for images.").wait_for()


@DESKTOP
def test_slider_never_waits_for_a_queue_of_requests(page: Any, address: str) -> None:
    open_view(page, address, "denoise", "digits", noise=0.5)
    errors(page)
    sent: list[Any] = []
    most = {"at once": 0}

    def follow(request: Any, by: int) -> None:
        if "/api/denoise" in request.url:
            sent.append(request) if by > 0 else None
            most["now"] = most.get("now", 0) + by
            most["at once"] = max(most["at once"], most["now"])

    page.on("request", lambda request: follow(request, 1))
    page.on("requestfinished", lambda request: follow(request, -1))
    slider = page.get_by_role("slider", name=re.compile("^Noise level"))
    slider.evaluate(
        """async (input) => { for (let k = 1; k <= 60; k++) { input.value = k / 100;
        input.dispatchEvent(new Event("input", { bubbles: true })); await new Promise((r) => setTimeout(r, 5)); } }"""
    )
    page.wait_for_timeout(1000)
    # The network and the exact denoiser have one request each; the last of both has the last value of the slider.
    assert most["at once"] <= 2 and len(sent) < 120
    assert {request.post_data_json["noise"] for request in sent[-2:]} == {0.6}
