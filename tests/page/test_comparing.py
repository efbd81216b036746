"""Compare: what differs between two models, what the classifier recognizes, and the grid of guidance by steps."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from page_driver import is_near, is_too_wide, open_view, pixels

import inkwash
from inkwash import load
from inkwash.web.judging import recognized

DESKTOP = pytest.mark.parametrize("size", ["desktop"], indirect=True)


def sheet(images: np.ndarray, columns: int) -> np.ndarray:
    """Return images [N, H, W] in rows with a gap of one pixel, as the page shows them."""
    padded = np.pad(images, ((0, 0), (0, 1), (0, 1))).reshape(-1, columns, *(side + 1 for side in images.shape[1:]))
    rows, _, height, width = padded.shape
    return padded.transpose(0, 2, 1, 3).reshape(rows * height, columns * width)[:-1, :-1]


def test_models_are_compared_by_their_difference_and_by_a_classifier(page: Any, address: str) -> None:
    open_view(page, address, "compare", "one-step", n=6, seed=3, labels="2,5")
    page.get_by_role("button", name="Compare", exact=True).click()
    page.get_by_text("All configurations use the same seeds").wait_for()
    canvas = page.get_by_role("img", name="difference of configuration 1 and configuration 2")
    found = pixels(page, canvas)
    # Configuration 1 is the model of one step, configuration 2 its counterpart.
    ours = [inkwash.sample(name, n=6, seed=3, label=[2, 5], progress=False).images for name in ("one-step", "fast")]
    for channel, images in ((2, ours[0]), (0, ours[1])):
        assert is_near(found[..., channel], sheet(images, 6))
    rms = np.sqrt(np.mean((ours[0].astype(float) - ours[1]) ** 2))
    text = page.get_by_text(re.compile(r"^RMS difference ([\d.]+) grey levels")).inner_text()
    assert float(text.split()[2]) == pytest.approx(rms, abs=0.2)
    for place, name in enumerate(("one-step", "fast")):
        samples = inkwash.sample(name, n=6, seed=3, label=[2, 5], progress=False)
        judged = recognized(load(name), samples.values, samples.labels)
        assert judged is not None
        lane = page.get_by_role("group", name=f"Configuration {place + 1}")
        lane.get_by_text(f"{judged['right']} of 6 recognized").wait_for()
    page.get_by_text("as in 99.6% of the real test images").wait_for()
    page.get_by_role("button", name="enlarge an image of configuration 2").click()
    page.get_by_role("heading", name="Configuration 2, image 1 of 6: seed 3, class 2").wait_for()
    page.keyboard.press("Escape")
    assert not is_too_wide(page)


@DESKTOP
def test_points_have_no_difference_and_no_classifier(page: Any, address: str) -> None:
    for model, differs in (("moons", 0), ("digits", 1)):
        open_view(page, address, "compare", model, n=4)
        for place, steps in enumerate(("2", "3")):
            page.get_by_label("Steps", exact=True).nth(place).fill(steps)
        page.get_by_role("button", name="Compare", exact=True).click()
        page.get_by_text("All configurations use the same seeds").wait_for()
        assert page.get_by_role("img", name=re.compile("^difference of")).count() == differs
        # A classifier of digits may have been trained on this machine before.
        assert model == "digits" or page.get_by_text("recognized").count() == 0


def test_grid_shows_its_cost_and_then_the_samples_of_each_cell(page: Any, address: str) -> None:
    settings = {"grid_guidance": "1,3", "grid_steps": "2,4", "grid_n": 4, "seed": 5, "labels": "1,8"}
    open_view(page, address, "compare", "fast", **settings)
    # Guidance other than 1 evaluates twice: 4 images, 2 + 4 steps, 1 + 2 evaluations.
    page.get_by_text("4 cells: 72 network evaluations.").wait_for()
    page.get_by_label("Numbers of steps").fill("2, 4, 900")
    page.get_by_text("6 cells: 10,872 network evaluations.").wait_for()
    page.get_by_label("Numbers of steps").fill("2, 4")
    page.get_by_role("button", name="Sample the grid").click()
    page.get_by_text("Cell 4 of 4 is finished.").wait_for()
    for guidance in (1, 3):
        for steps in (2, 4):
            found = pixels(page, page.get_by_role("img", name=f"guidance {guidance}, {steps} steps"))
            ours = inkwash.sample(
                "fast", n=4, seed=5, label=[1, 8], steps=steps, guidance=guidance, progress=False
            ).images
            assert is_near(found[..., 0], sheet(ours, 2))
    assert page.get_by_text("of 4 recognized").count() == 4
    assert "grid_guidance=1%2C3" in page.url
    page.get_by_role("button", name="enlarge an image of guidance 3, 4 steps").click()
    page.get_by_role("heading", name="guidance 3, 4 steps: seed 5, class 1").wait_for()
    page.keyboard.press("Escape")
    assert not is_too_wide(page)


@DESKTOP
@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("Numbers of steps", "2, x"),
        ("Numbers of steps", "1001"),
        ("Guidance weights", "1,2,3,4,5,6,7"),
        ("Guidance weights", ""),
    ],
)
def test_grid_of_invalid_values_is_not_sampled(page: Any, address: str, field: str, text: str) -> None:
    open_view(page, address, "compare", "fast")
    page.get_by_label(field).fill(text)
    page.get_by_role("button", name="Sample the grid").click()
    assert "Give up to 6 numbers" in page.get_by_label(field).evaluate("field => field.validationMessage")
    assert page.get_by_role("table").count() == 0


@DESKTOP
def test_models_without_guidance_have_a_row_of_steps(page: Any, address: str) -> None:
    open_view(page, address, "compare", "moons", grid_steps="1,2", grid_n=20)
    assert page.get_by_label("Guidance weights").count() == 0
    page.get_by_role("button", name="Sample the grid").click()
    page.get_by_text("Cell 2 of 2 is finished.").wait_for()
    assert page.get_by_role("columnheader").all_inner_texts() == ["1 step", "2 steps"]


@DESKTOP
def test_seeds_of_images_are_those_they_were_sampled_from(page: Any, address: str) -> None:
    open_view(page, address, "compare", "digits", n=4, seed=7, grid_guidance="1", grid_steps="2", grid_n=4)
    for place in range(2):
        page.get_by_label("Steps", exact=True).nth(place).fill("2")
    page.get_by_role("button", name="Compare", exact=True).click()
    page.get_by_text("All configurations use the same seeds").wait_for()
    page.get_by_role("button", name="Sample the grid").click()
    page.get_by_text("Cell 1 of 1 is finished.").wait_for()
    field = page.get_by_label("Seed", exact=True)
    # The second time the field has the seed of an image, no longer that of the first.
    for opener in ("enlarge an image of configuration 2", "enlarge an image of guidance 1, 2 steps"):
        for _ in range(2):
            page.get_by_role("button", name=opener).click()
            page.keyboard.press("End")
            assert "seed 10" in str(page.get_by_role("dialog").get_by_role("heading").text_content())
            page.get_by_role("button", name="Reuse seed").click()
            assert field.input_value() == "10"


@DESKTOP
def test_grid_that_is_started_again_is_sampled_to_its_end(page: Any, address: str) -> None:
    open_view(page, address, "compare", "digits", grid_guidance="1", grid_steps="1000,999", grid_n=16)
    page.get_by_role("button", name="Sample the grid").click()
    page.get_by_text(re.compile("^Sampling with .* 1000 steps")).wait_for()
    page.get_by_label("Numbers of steps").fill("2, 3, 4")
    page.get_by_role("button", name="Sample the grid").click()
    page.get_by_text("Cell 3 of 3 is finished.").wait_for()


@DESKTOP
def test_grid_without_classes_is_one_row_without_guidance(page: Any, address: str) -> None:
    open_view(page, address, "compare", "fast", grid_guidance="1,3", grid_steps="1,2", grid_n=4, seed=5)
    page.get_by_text("4 cells: 36 network evaluations.").wait_for()
    page.get_by_role("button", name="Unconditional").click()
    page.get_by_text("2 cells: 12 network evaluations.").wait_for()
    page.get_by_role("button", name="Sample the grid").click()
    page.get_by_text("Cell 2 of 2 is finished.").wait_for()
    assert page.get_by_role("rowheader").all_inner_texts() == ["no guidance"]
    found = pixels(page, page.get_by_role("img", name="2 steps", exact=True))
    ours = inkwash.sample("fast", n=4, seed=5, label=[-1], steps=2, progress=False).images
    assert is_near(found[..., 0], sheet(ours, 2))


@DESKTOP
def test_samples_are_judged_once_for_each_configuration(page: Any, address: str) -> None:
    open_view(page, address, "compare", "one-step", n=2)
    judged: list[bool] = []
    page.on("request", lambda sent: judged.append(sent.post_data_json["judge"]) if "/api/sample" in sent.url else None)
    page.get_by_role("button", name="Compare", exact=True).click()
    page.get_by_text("All configurations use the same seeds").wait_for()
    assert judged == [False, True, False, True]


@DESKTOP
def test_models_with_attributes_are_compared_from_one_prompt(page: Any, address: str) -> None:
    open_view(page, address, "compare", "words-one-step", n=4, seed=2, prompt="a%20bold%20seven")
    page.get_by_text("Understood as: 7, thickness 85%").wait_for()
    page.get_by_role("button", name="Compare", exact=True).click()
    page.get_by_text("All configurations use the same seeds").wait_for()
    for place, name in enumerate(("words-one-step", "words")):
        ours = inkwash.sample(name, n=4, seed=2, prompt="a bold seven", progress=False).images
        assert is_near(
            pixels(page, page.get_by_role("img", name=f"images of configuration {place + 1}"))[..., 0], sheet(ours, 4)
        )
    assert "prompt=a+bold+seven" in page.url
    page.get_by_label("Prompt").fill("a bold sevn")
    page.get_by_role("button", name="Compare", exact=True).click()
    page.get_by_role("alert").get_by_text("unknown word 'sevn'").wait_for()


@DESKTOP
def test_classes_that_no_image_has_are_reported(page: Any, address: str) -> None:
    open_view(page, address, "sample", "digits", n=2, labels="1,2,3", seed=0, steps=2)
    page.get_by_role("alert").get_by_text("of 3 requested labels or attribute values 2 are sampled").wait_for()
