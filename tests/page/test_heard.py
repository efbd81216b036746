"""What is heard of a drawing: its begin and its end, not every step; and what pictures, lanes and buttons are called."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from looking import begin, finish

pytestmark = pytest.mark.parametrize("size", ["desktop"], indirect=True)
LISTEN = """() => {
  window.heard = [];
  const live = "[role=status], [role=alert], output, [aria-live=polite], [aria-live=assertive]";
  new MutationObserver((changes) => {
    for (const { target } of changes) {
      const text = target.textContent, element = target.nodeType === 1 ? target : target.parentElement;
      if (text && element?.closest(live)) window.heard.push(text);
    }
  }).observe(document.body, { subtree: true, childList: true, characterData: true });
}"""


def test_a_drawing_is_heard_at_its_begin_and_its_end(page: Any, address: str) -> None:
    begin(page, address, "draw", steps=12, n=3, labels="2,0,2")
    page.evaluate(LISTEN)
    page.get_by_role("button", name="Draw", exact=True).click()
    finish(page)
    heard = page.evaluate("window.heard")
    assert 2 <= len(heard) <= 4 and heard[-1].endswith("seconds")
    assert page.get_by_role("img", name="predicted image, 3 images: 0, 2, 0", exact=True).count() == 1
    assert page.get_by_role("slider", name="step").get_attribute("aria-valuetext") == "step 12 of 12"


def test_lanes_run_in_turn_and_are_told_apart(page: Any, address: str) -> None:
    begin(page, address, "compare", n=2)
    page.get_by_role("button", name="One more").click()
    lanes = [page.get_by_role("group", name=f"Lane {number}") for number in (1, 2, 3)]
    for lane in lanes:
        lane.get_by_label("Steps").fill("9")
    lanes[2].get_by_role("button", name="remove lane 3").click()
    page.evaluate(LISTEN)
    page.get_by_role("button", name="Race").click()
    page.get_by_text("Same seeds").wait_for()
    heard = page.evaluate("window.heard")
    assert [text for text in heard if "running" in text] == ["Lane 1 is running…", "Lane 2 is running…"]
    assert len(heard) == 3


def test_the_animation_says_that_it_is_made(page: Any, address: str) -> None:
    begin(page, address, "draw", steps=3, n=2, seed=1)
    finish(page)
    button = page.get_by_role("button", name=re.compile("Animation|Frame"))
    with page.expect_download():
        button.click()
    page.get_by_text("The animation is made.").wait_for()
    assert button.is_enabled() and button.inner_text() == "Animation"


def test_what_cannot_be_copied_says_why(page: Any, address: str) -> None:
    begin(page, address, "edit", steps=2)
    page.get_by_role("button", name="Take one that the model draws").click()
    finish(page)
    page.get_by_role("button", name="Start from it").click()
    page.get_by_title(re.compile("does not fit into an address")).wait_for()
    assert page.get_by_role("button", name="Copy link").is_disabled()


def test_what_is_too_long_to_write_is_said(page: Any, address: str) -> None:
    begin(page, address, "write", "digits", steps=1)
    page.get_by_label("Text").fill("7" * 400 + "12")
    page.get_by_role("button", name="Write").click()
    page.get_by_role("alert").get_by_text("Left out after 400 images, the most of one drawing: 1 2.").wait_for()
    finish(page)
    assert page.get_by_role("img", name="predicted image, 400 images").count() == 1


def test_a_new_run_comes_by_itself_and_its_pictures_are_enlarged(page: Any, address: str, folder: Path) -> None:
    begin(page, address, "choose", "short")
    page.get_by_role("heading", name="short").wait_for()
    shutil.copytree(folder / "runs/short", folder / "runs/later")
    try:
        page.get_by_role("button", name=re.compile("^later")).wait_for()
        page.get_by_text("New here: later.").wait_for()
        page.get_by_role("button", name=re.compile("^enlarge")).first.click()
        page.get_by_role("dialog").get_by_role("img").wait_for()
        page.get_by_role("button", name="Close").click()
        assert page.get_by_role("dialog").count() == 0
    finally:
        shutil.rmtree(folder / "runs/later")
