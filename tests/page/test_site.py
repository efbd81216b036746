"""The documentation site is built without a warning, loads nothing from another host, and is accessible in a browser."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from page_driver import file_server, is_too_wide, violations

ROOT = Path(__file__).parents[2]
LESSONS = sorted((ROOT / "docs" / "learn").glob("[0-9]*.md"))
GENERATED = "reference/generated"
PAGES = (
    "index",
    "search",
    "learn/08-guidance",
    "lab/one-step/card",
    *(f"{GENERATED}/{name}" for name in ("command-line", "recipes", "api", "api-inkwash", "api-core")),
)
"""Pages of each kind: those that are generated, a lesson with formulas, figures, listings and boxes, and others."""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the site, built as by `make docs`."""
    pytest.importorskip("furo", reason="make docs installs what builds the site")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-j", "auto", "-d", str(folder / "doctrees")]
    built = subprocess.run(
        [*command, str(ROOT / "docs"), str(folder / "site")],
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    return folder / "site"


@pytest.fixture(scope="session")
def site_address(site: Path) -> Iterator[str]:
    """The URL of a server of the site."""
    with file_server(site) as address:
        yield address


def test_the_site_loads_nothing_from_another_host(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    assert len(pages) > len(LESSONS)
    loaded = re.compile(r"<(?:script|img|link|iframe|source)\b[^>]*\b(?:src|href)=\"(?:https?:)?//[^\"]*\"")
    assert not [(page.name, match) for page in pages for match in loaded.findall(page.read_text(encoding="utf-8"))]


def test_every_lesson_links_to_its_notebook(site: Path) -> None:
    for lesson in LESSONS:
        (notebook,) = (site / "_downloads").rglob(f"{lesson.stem}.ipynb")
        page = site / "learn" / f"{lesson.stem}.html"
        assert notebook.relative_to(site).as_posix() in page.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_no_violation_in_a_page_of_the_site(page: Any, site_address: str, axe: str, name: str) -> None:
    page.goto(f"{site_address}{name}.html")
    for each in page.locator("article details > summary").all():
        each.click()
    assert violations(page, axe) == []
    assert not is_too_wide(page)
