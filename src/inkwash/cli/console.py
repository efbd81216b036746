"""The console that pages and progress bars are printed on: strings are text, never markup or control sequences."""

from __future__ import annotations

from typing import Any

from rich.console import Console as RichConsole
from rich.progress import TextColumn as RichTextColumn
from rich.text import Text

from inkwash.text.printing import printable


class Console(RichConsole):
    """A rich console without markup, emoji codes and highlighting, whose strings are made printable."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**({"markup": False, "emoji": False, "highlight": False} | options))

    def render_str(self, text: str, **options: Any) -> Text:
        # cells and titles of tables come through here as well
        return super().render_str(printable(text), **(options | {"markup": False, "emoji": False}))


class TextColumn(RichTextColumn):
    """A column of a progress bar whose fields are text."""

    def __init__(self, text_format: str) -> None:
        super().__init__(text_format, markup=False)

    def render(self, task: Any) -> Text:
        found = super().render(task)
        return Text(printable(found.plain), style=self.style, justify=self.justify)
