"""The console for tables and progress bars: strings are plain text, never markup or control sequences."""

from __future__ import annotations

from typing import Any

from rich.console import Console as RichConsole
from rich.progress import TextColumn as RichTextColumn
from rich.text import Text

from inkwash.text.printing import printable


class Console(RichConsole):
    """A rich console without markup, emoji codes and highlighting, which escapes unprintable characters."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**({"markup": False, "emoji": False, "highlight": False} | options))

    def render_str(self, text: str, **options: Any) -> Text:
        # rich calls this for cells and titles of tables as well.
        return super().render_str(printable(text), **(options | {"markup": False, "emoji": False}))


class TextColumn(RichTextColumn):
    """A column of a progress bar whose fields are plain text."""

    def __init__(self, text_format: str) -> None:
        super().__init__(text_format, markup=False)

    def render(self, task: Any) -> Text:
        found = super().render(task)
        return Text(printable(found.plain), style=self.style, justify=self.justify)
