"""What the HTML of the theme and of myst-nb lacks for keyboards and screen readers; axe-core finds no violation with it."""

from __future__ import annotations

from pathlib import Path

from sphinx.application import Sphinx

REPLACED = {
    # A block of code that scrolls is reached by the keyboard.
    "<pre>": '<pre tabindex="0">',
    '<pre id="codecell': '<pre tabindex="0" id="codecell',
    '<div class="table-wrapper': '<div tabindex="0" class="table-wrapper',
    # The text of the summary is its name.
    '<summary aria-label="Toggle hidden content">': "<summary>",
    '<aside class="sidebar-drawer">': '<aside class="sidebar-drawer" aria-label="Site">',
    '<aside class="toc-drawer': '<aside aria-label="This page" class="toc-drawer',
    '<div id="search-results">': '<h1>Search</h1>\n<div id="search-results">',
}


def _write(app: Sphinx, error: Exception | None) -> None:
    if error is None and app.builder.format == "html":
        for path in Path(app.outdir).rglob("*.html"):
            text = path.read_text(encoding="utf-8")
            # The page may be one of an earlier build, which has been changed already.
            changed = text
            for before, after in REPLACED.items():
                changed = changed.replace(after, before).replace(before, after)
            if changed != text:
                path.write_text(changed, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    """Change the pages when all are written."""
    app.connect("build-finished", _write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
