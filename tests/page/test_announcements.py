"""Live regions announce the start and the end of sampling, not every step; accessible names of images and buttons."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from page_driver import open_view, wait_for_samples

pytestmark = pytest.mark.parametrize("size", ["desktop"], indirect=True)
LISTEN = """() => {
  window.announced = [];
  const live = "[role=status], [role=alert], output, [aria-live=polite], [aria-live=assertive]";
  new MutationObserver((changes) => {
    for (const { target } of changes) {
      const text = target.textContent, element = target.nodeType === 1 ? target : target.parentElement;
      if (text && element?.closest(live)) window.announced.push(text);
    }
  }).observe(document.body, { subtree: true, childList: true, characterData: true });
}"""


def test_sampling_is_announced_at_its_start_and_end(page: Any, address: str) -> None:
    open_view(page, address, "sample", steps=12, n=3, labels="2,0,2")
    page.evaluate(LISTEN)
    page.get_by_role("button", name="Sample", exact=True).click()
    wait_for_samples(page)
    announced = page.evaluate("window.announced")
    assert 2 <= len(announced) <= 4 and announced[-1].endswith("seconds")
    assert page.get_by_role("img", name="predicted image, 3 images: 0, 2, 0", exact=True).count() == 1
    assert page.get_by_role("slider", name="step").get_attribute("aria-valuetext") == "step 12 of 12"


def test_configurations_run_one_after_the_other(page: Any, address: str) -> None:
    open_view(page, address, "compare", n=2)
    page.get_by_role("button", name="Add configuration").click()
    configurations = [page.get_by_role("group", name=f"Configuration {number}") for number in (1, 2, 3)]
    for configuration in configurations:
        configuration.get_by_label("Steps").fill("9")
    configurations[2].get_by_role("button", name="remove configuration 3").click()
    page.evaluate(LISTEN)
    page.get_by_role("button", name="Compare", exact=True).click()
    page.get_by_text("All configurations use the same seeds").wait_for()
    announced = page.evaluate("window.announced")
    assert [text for text in announced if "running" in text] == [
        "Configuration 1 is running…",
        "Configuration 2 is running…",
    ]
    assert len(announced) == 3


def test_saved_animation_is_announced(page: Any, address: str) -> None:
    open_view(page, address, "sample", steps=3, n=2, seed=1)
    wait_for_samples(page)
    button = page.get_by_role("button", name=re.compile("Animation|Frame"))
    with page.expect_download():
        button.click()
    page.get_by_text("The animation is saved.").wait_for()
    assert button.is_enabled() and button.inner_text() == "Animation"


def test_disabled_copy_button_has_a_reason(page: Any, address: str) -> None:
    open_view(page, address, "edit", steps=2)
    page.get_by_role("button", name="Start from a sample").click()
    wait_for_samples(page)
    page.get_by_role("button", name="Regenerate from sketch").click()
    page.get_by_title(re.compile("No equivalent: the image was edited")).first.wait_for()
    assert page.get_by_role("button", name="Copy command").first.is_disabled()
    assert page.get_by_role("button", name="Copy link").first.is_enabled()


def test_omitted_text_is_reported(page: Any, address: str) -> None:
    open_view(page, address, "write", "digits", steps=1)
    page.get_by_label("Text").fill("7" * 400 + "12")
    page.get_by_role("button", name="Write").click()
    page.get_by_role("alert").get_by_text("Omitted after 400 images, the limit of one request: 1 2.").wait_for()
    wait_for_samples(page)
    assert page.get_by_role("img", name="predicted image, 400 images").count() == 1


def test_new_run_appears_and_its_milestones_can_be_enlarged(page: Any, address: str, folder: Path) -> None:
    open_view(page, address, "models", "short")
    page.get_by_role("heading", name="short").wait_for()
    shutil.copytree(folder / "runs/short", folder / "runs/later")
    try:
        page.get_by_role("button", name=re.compile("^later")).wait_for()
        page.get_by_text("New: later.").wait_for()
        page.get_by_role("button", name=re.compile("^enlarge")).first.click()
        page.get_by_role("dialog").get_by_role("img").wait_for()
        page.get_by_role("button", name="Close").click()
        assert page.get_by_role("dialog").count() == 0
    finally:
        shutil.rmtree(folder / "runs/later")
