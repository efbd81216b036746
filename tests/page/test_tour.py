"""The tour: offered on a first visit without a link, five steps, never again unless asked for."""

from __future__ import annotations

from typing import Any

from page_driver import is_too_wide, open_view


def test_tour_is_offered_once_and_can_be_asked_for(page: Any, address: str) -> None:
    open_view(page, address, "sample", "digits")
    panel = page.get_by_role("region", name="Tour")
    assert panel.count() == 0
    page.goto("about:blank")
    page.goto(address)
    panel.get_by_role("button", name="Start").click()
    for number, view in enumerate(("Play", "Sample", "Denoise", "Edit", "Compare"), 1):
        panel.get_by_text(f"{number} of 5.").wait_for()
        page.get_by_role("tab", name=view, selected=True).wait_for()
        assert not is_too_wide(page)
        panel.get_by_role("button", name="Finish" if number == 5 else "Next").click()
    assert panel.count() == 0
    page.goto("about:blank")
    page.goto(address)
    page.get_by_role("tab", selected=True).wait_for()
    assert panel.count() == 0
    page.get_by_role("button", name="Take the tour").click()
    panel.get_by_text("1 of 5.").wait_for()
    panel.get_by_role("button", name="Skip the tour").click()
    assert panel.count() == 0
