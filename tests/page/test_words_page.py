"""Prompt and attribute sliders of a model with attributes: what they mean, what is sampled, and what a link restores."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from page_driver import exported_page, is_too_wide, live_sheet, open_view, pixels, wait_for_samples, wait_for_sheet

import inkwash
from inkwash.model import Model
from inkwash.sampling.prompts.requests import with_prompt
from inkwash.sampling.request import SampleRequest

NAME = "words-one-step"
DESKTOP = pytest.mark.parametrize("size", ["desktop"], indirect=True)


@pytest.fixture(scope="session")
def words() -> Model:
    """The bundled model of one step with attributes."""
    return inkwash.load(NAME, device="cpu")


@pytest.fixture(scope="session")
def exported(words: Model, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of the exported page of that model."""
    with exported_page(words, NAME, tmp_path_factory.mktemp("words") / "page") as url:
        yield url


def value_of(slider: Any) -> str:
    """Return what a screen reader says of a slider."""
    return str(slider.get_attribute("aria-valuetext"))


def live_images(page: Any) -> Any:
    """Return the canvas of the live panel."""
    return page.get_by_role("img", name="16 images of the live model")


def type_prompt(page: Any, text: str) -> None:
    """Fill the prompt and leave the field."""
    page.get_by_label("Prompt").fill(text)
    page.get_by_label("Prompt").blur()


def test_slider_at_rest_is_any_and_returns_to_it(page: Any, address: str, words: Model) -> None:
    open_view(page, address, "sample", NAME)
    sliders = page.locator(".attribute").get_by_role("slider")
    assert [value_of(each) for each in sliders.all()] == ["any"] * len(words.spec.attributes)
    thickness = page.get_by_role("slider", name="thickness")
    canvas = live_images(page)
    wait_for_sheet(page, canvas, live_sheet(words))

    def put_back() -> None:
        assert value_of(thickness) == "any"
        assert page.evaluate("document.activeElement.type") == "range"
        wait_for_sheet(page, canvas, live_sheet(words))

    thickness.focus()
    for key in ("Delete", "Backspace"):
        page.keyboard.press("End")
        highest = float(thickness.get_attribute("max"))
        assert value_of(thickness) == f"{highest:.2f} pixels"
        # The noise is kept: the same seeds, with the attribute.
        wait_for_sheet(page, canvas, live_sheet(words, attributes={"thickness": [highest]}))
        page.keyboard.press(key)
        put_back()
    page.keyboard.press("Home")
    page.get_by_role("button", name="any thickness").click()
    put_back()
    page.keyboard.press("Home")
    thickness.dblclick()
    put_back()
    assert page.get_by_role("button", name="any thickness").count() == 0
    assert not is_too_wide(page)


def test_prompt_moves_sliders_and_buttons_and_changes_the_images(page: Any, address: str, words: Model) -> None:
    open_view(page, address, "sample", NAME)
    type_prompt(page, "a bold, slanted seven")
    page.get_by_text("Understood as: 7, thickness 85%, slant 85%").wait_for()
    asked = with_prompt(SampleRequest(), "a bold, slanted seven", words).attributes or {}
    ((thickness,), (slant,)) = asked["thickness"], asked["slant"]  # type: ignore[misc]
    assert value_of(page.get_by_role("slider", name="thickness")) == f"{thickness:.2f} pixels (prompt)"
    assert value_of(page.get_by_role("slider", name="slant")) == f"{slant:.0f} degrees (prompt)"
    assert value_of(page.get_by_role("slider", name="width")) == "any"
    page.get_by_role("button", name="7", exact=True, pressed=True).wait_for()
    wait_for_sheet(page, live_images(page), live_sheet(words, prompt="a bold, slanted seven"))
    # What the prompt does not name may be set beside it.
    page.get_by_role("slider", name="width").focus()
    page.keyboard.press("Home")
    width = float(page.get_by_role("slider", name="width").get_attribute("min"))
    beside = {"prompt": "a bold, slanted seven", "attributes": {"width": [width]}}
    wait_for_sheet(page, live_images(page), live_sheet(words, **beside))
    type_prompt(page, "")
    wait_for_sheet(page, live_images(page), live_sheet(words, attributes={"width": [width]}))
    assert page.get_by_role("button", name="7", exact=True).get_attribute("aria-pressed") == "false"
    assert value_of(page.get_by_role("slider", name="thickness")) == "any"
    assert not is_too_wide(page)


def test_what_is_named_twice_is_reported_and_not_sampled(page: Any, address: str, words: Model) -> None:
    open_view(page, address, "sample", NAME)
    type_prompt(page, "a bold seven")
    shown = live_sheet(words, prompt="a bold seven")
    wait_for_sheet(page, live_images(page), shown)
    sent: list[Any] = []
    page.on("request", lambda each: sent.append(each) if each.url.endswith(("/api/live", "/api/sample")) else None)
    page.get_by_role("slider", name="thickness").focus()
    page.keyboard.press("ArrowLeft")
    page.get_by_text("attribute thickness is given and in the prompt").wait_for()
    page.get_by_role("button", name="Sample", exact=True).click()
    page.get_by_role("alert").get_by_text("attribute thickness").wait_for()
    assert not sent
    page.keyboard.press("Escape")
    page.get_by_role("slider", name="thickness").focus()
    page.keyboard.press("Delete")
    page.get_by_text("Understood as: 7, thickness 85%").wait_for()
    page.get_by_role("button", name="3", exact=True).click()
    page.get_by_text("both name a class").wait_for()
    page.get_by_role("button", name="3", exact=True).click()
    page.get_by_text("Understood as: 7, thickness 85%").wait_for()
    page.get_by_role("slider", name="thickness").focus()
    page.keyboard.press("End")
    highest = float(page.get_by_role("slider", name="thickness").get_attribute("max"))
    page.get_by_role("button", name="Clear the prompt, keep the sliders").click()
    assert page.get_by_label("Prompt").input_value() == ""
    kept = {"labels": [7], "attributes": {"thickness": [highest]}}
    wait_for_sheet(page, live_images(page), live_sheet(words, **kept))


@DESKTOP
@pytest.mark.parametrize(
    ("prompt", "message"),
    [
        ("a slanded seven", "unknown word 'slanded' in the prompt: did you mean 'slanted'?"),
        ("a thin bold seven", "'thin' and 'bold' contradict each other"),
        ("7 thickness 90", "thickness is 90: in the training set it is 1.52 to 6.8"),
        ("nine like a.png", "names a file"),
    ],
)
def test_refused_prompt_is_explained_at_its_field(page: Any, address: str, prompt: str, message: str) -> None:
    open_view(page, address, "sample", "words")
    type_prompt(page, prompt)
    page.get_by_text(message).first.wait_for()
    field = page.get_by_label("Prompt")
    assert field.get_attribute("aria-invalid") == "true"
    assert message in page.locator(f"#{field.get_attribute('aria-describedby')}").inner_text()
    type_prompt(page, "a bold seven")
    page.get_by_text("Understood as: 7, thickness 85%").wait_for()
    assert field.get_attribute("aria-invalid") == "false"


@DESKTOP
def test_values_beyond_the_range_need_the_checkbox(page: Any, address: str) -> None:
    open_view(page, address, "sample", NAME)
    type_prompt(page, "7 slant 55")
    page.get_by_text("slant is 55").wait_for()
    page.get_by_label("Allow values outside of the range").check()
    page.get_by_text("Understood as: 7, slant 55 degrees").wait_for()


@DESKTOP
def test_link_restores_prompt_sliders_and_samples(page: Any, address: str) -> None:
    open_view(page, address, "sample", "words")
    page.get_by_label("Number of images", exact=True).fill("4")
    page.get_by_role("spinbutton", name="Steps").fill("3")
    type_prompt(page, "2026 in a light hand")
    page.get_by_role("slider", name="slant").focus()
    page.keyboard.press("End")
    slant = page.get_by_role("slider", name="slant").get_attribute("max")
    page.get_by_role("button", name="Sample", exact=True).click()
    wait_for_samples(page)
    found = pixels(page, page.get_by_role("img", name=re.compile("predicted image, 4 images: 2, 0, 2, 6")))
    given = {"slant": float(slant)}
    expected = inkwash.sample("words", n=4, seed=0, steps=3, prompt="2026 in a light hand", attributes=given).images
    assert np.abs(found[:28, :28, 0].astype(int) - expected[0].astype(int)).max() <= 1
    assert np.abs(found[:28, 87:115, 0].astype(int) - expected[3].astype(int)).max() <= 1
    page.get_by_text(f"--prompt '2026 in a light hand' --set-attribute slant={slant}").wait_for()
    page.get_by_role("button", name="Copy link").click()
    link = page.url
    page.evaluate("sessionStorage.clear()")
    page.goto("about:blank")
    page.goto(link)
    wait_for_samples(page)
    assert page.get_by_label("Prompt").input_value() == "2026 in a light hand"
    assert value_of(page.get_by_role("slider", name="slant")) == f"{slant} degrees"
    again = pixels(page, page.get_by_role("img", name=re.compile("predicted image, 4 images: 2, 0, 2, 6")))
    assert (again == found).all()


@DESKTOP
def test_attributes_of_a_url_outside_of_the_range_are_reported(page: Any, address: str) -> None:
    open_view(page, address, "sample", "words", attributes="slant:500")
    page.get_by_role("alert").get_by_text("Invalid in this URL: attributes=slant:500").wait_for()
    assert value_of(page.get_by_role("slider", name="slant")) == "any"


@DESKTOP
def test_models_without_attributes_have_no_prompt(page: Any, address: str) -> None:
    open_view(page, address, "sample", "one-step")
    page.get_by_role("heading", name="Live").wait_for()
    assert page.get_by_label("Prompt").count() == 0 and page.locator(".attribute").count() == 0


@DESKTOP
def test_other_number_of_steps_keeps_prompt_and_sliders(page: Any, address: str) -> None:
    sent: list[Any] = []
    page.on("request", lambda each: sent.append(each.post_data) if each.url.endswith("/api/sample") else None)
    open_view(page, address, "sample", NAME)
    type_prompt(page, "a bold 3")
    page.get_by_role("slider", name="slant").focus()
    page.keyboard.press("Home")
    page.get_by_role("button", name="15 steps: words").click()
    page.get_by_role("button", name="1 step: words-one-step").wait_for()
    assert page.get_by_label("Prompt").input_value() == "a bold 3"
    page.get_by_label("Number of images", exact=True).fill("1")
    page.get_by_role("button", name="Sample", exact=True).click()
    wait_for_samples(page)
    body = json.loads(sent[0])
    assert body["prompt"] == "a bold 3" and list(body["attributes"]) == ["slant"] and body["labels"] is None


DROP_ON = """(target, [bytes, name]) => {
    const data = new DataTransfer();
    data.items.add(new File([Uint8Array.from(bytes)], name, { type: "image/png" }));
    for (const kind of ["dragover", "drop"])
        target.dispatchEvent(new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true }));
}"""
DROP = f"(given) => ({DROP_ON})(document.body, given)"


@DESKTOP
def test_dropped_png_of_the_command_line_restores_prompt_and_sliders(page: Any, address: str, tmp_path: Path) -> None:
    given = {"slant": 20.0}
    samples = inkwash.sample("words", n=4, seed=3, steps=2, prompt="2026 in a light hand", attributes=given)
    samples.save(tmp_path / "a.png")
    open_view(page, address, "write", "fast")
    page.evaluate(DROP, [list((tmp_path / "a.png").read_bytes()), "a.png"])
    wait_for_samples(page)
    assert page.get_by_label("Prompt").input_value() == "2026 in a light hand"
    assert value_of(page.get_by_role("slider", name="slant")) == "20 degrees"
    found = pixels(page, page.get_by_role("img", name=re.compile("predicted image, 4 images")))[..., 0]
    assert np.abs(found[:28, :28].astype(int) - samples.images[0].astype(int)).max() <= 1
    page.evaluate(DROP, [list(b"no image"), "b.png"])
    page.get_by_role("alert").get_by_text("b.png has no settings").wait_for()


@DESKTOP
def test_png_that_is_dropped_on_the_drawing_is_drawn(page: Any, address: str, tmp_path: Path) -> None:
    inkwash.sample("words", n=1, steps=1, prompt="a 7").save(tmp_path / "a.png")
    open_view(page, address, "edit", "fast")
    drawing = page.get_by_role("application")
    drawing.evaluate(DROP_ON, [list((tmp_path / "a.png").read_bytes()), "a.png"])
    for _ in range(100):
        if pixels(page, drawing).max() > 200:
            break
        page.wait_for_timeout(50)
    assert pixels(page, drawing).max() > 200
    page.wait_for_timeout(300)
    page.get_by_role("tab", name="Edit", selected=True).wait_for()


@DESKTOP
def test_png_of_the_page_restores_what_it_shows(page: Any, address: str, tmp_path: Path) -> None:
    open_view(page, address, "sample", "words", n=2, steps=2, seed=1, prompt="a%20bold%203", attributes="slant:-20")
    wait_for_samples(page)
    shown = pixels(page, page.get_by_role("img", name=re.compile("predicted image, 2 images: 3, 3")))
    # What is changed after the sampling is not in the image.
    page.get_by_role("slider", name="slant").focus()
    page.keyboard.press("Delete")
    page.get_by_label("Prompt").fill("a thin 4")
    page.get_by_label("Prompt").blur()
    with page.expect_download() as waiting:
        page.get_by_role("button", name="PNG", exact=True).click()
    waiting.value.save_as(tmp_path / "a.png")
    page.goto("about:blank")
    open_view(page, address, "sample", "one-step")
    page.get_by_text("Settings of a PNG").click()
    page.get_by_label("A PNG that inkwash wrote").set_input_files(tmp_path / "a.png")
    wait_for_samples(page)
    assert page.get_by_label("Prompt").input_value() == "a bold 3"
    assert value_of(page.get_by_role("slider", name="slant")) == "-20 degrees"
    again = pixels(page, page.get_by_role("img", name=re.compile("predicted image, 2 images: 3, 3")))
    assert (again == shown).all()


def test_sliders_of_an_exported_page_give_the_images_of_the_server(page: Any, exported: str, words: Model) -> None:
    open_view(page, exported, "sample", NAME, attributes="slant:20", labels="7")
    wait_for_sheet(page, live_images(page), live_sheet(words, labels=[7], attributes={"slant": [20.0]}))
    page.get_by_role("slider", name="thickness").focus()
    page.keyboard.press("End")
    highest = float(page.get_by_role("slider", name="thickness").get_attribute("max"))
    both = {"slant": [20.0], "thickness": [highest]}
    wait_for_sheet(page, live_images(page), live_sheet(words, labels=[7], attributes=both))
    assert page.get_by_label("Prompt").count() == 0
    page.get_by_label("Number of images", exact=True).fill("1")
    page.get_by_role("button", name="Sample", exact=True).click()
    wait_for_samples(page)
    found = pixels(page, page.get_by_role("img", name=re.compile("predicted image, 1 image")))[..., 0]
    values = {"slant": 20.0, "thickness": highest}
    expected = inkwash.sample(words, n=1, label="7", attributes=values).images[0]
    assert np.abs(found.astype(int) - expected.astype(int)).max() <= 2
    assert not is_too_wide(page)


@DESKTOP
def test_prompt_in_the_url_of_an_exported_page_is_reported(page: Any, exported: str) -> None:
    open_view(page, exported, "sample", NAME, prompt="bold")
    page.get_by_role("alert").get_by_text("Invalid in this URL: prompt=bold").wait_for()
