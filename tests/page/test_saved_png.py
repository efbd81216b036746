"""A PNG that the page saved restores its settings: chosen in Sample, or dropped on any view."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Any

import pytest
from page_driver import open_view, pixels, wait_for_samples

from inkwash.cli.reproduce import reproduce

pytestmark = pytest.mark.parametrize("size", ["desktop"], indirect=True)
DROP = """([text, name]) => {
    const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0)), dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File([bytes], name, { type: "image/png" }));
    const drop = new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true });
    document.querySelector("#view form").dispatchEvent(drop);
}"""


def test_saved_png_is_reproduced_and_restores_its_settings(page: Any, address: str, tmp_path: Path) -> None:
    open_view(page, address, "sample", "digits", n=3, labels="2,5", seed=11, steps=4, guidance=1.5)
    wait_for_samples(page)
    samples = pixels(page, page.get_by_role("img", name=re.compile("predicted")))
    with page.expect_download() as download:
        page.get_by_role("button", name="PNG").click()
    path = tmp_path / "saved.png"
    download.value.save_as(path)
    assert reproduce(path, None, "cpu", quiet=True) == 0
    page.goto("about:blank")
    open_view(page, address, "sample", "fast")
    page.get_by_text("Settings of a PNG").click()
    page.get_by_label("A PNG that inkwash wrote").set_input_files(path)
    page.wait_for_url("**model=digits**")
    wait_for_samples(page)
    assert (pixels(page, page.get_by_role("img", name=re.compile("predicted"))) == samples).all()
    assert page.get_by_label("Guidance").input_value() == "1.5"
    open_view(page, address, "write", "fast")
    page.evaluate(DROP, [base64.b64encode(path.read_bytes()).decode(), "saved.png"])
    page.get_by_role("tab", name="Sample", selected=True).wait_for()
    assert page.locator("#model").input_value() == "digits"
    page.evaluate(DROP, [base64.b64encode(b"no image").decode(), "other.png"])
    page.get_by_role("alert").get_by_text("other.png has no settings").wait_for()
