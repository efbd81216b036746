"""The section of a page that says what will go wrong."""

from __future__ import annotations

from collections.abc import Sequence

from inkwash.cli.console import Console
from inkwash.preflight import Concern


def tell(console: Console, concerns: Sequence[Concern]) -> None:
    """Print one line a concern under a heading, or that there is none."""
    if not concerns:
        console.print("Nothing to warn of.")
        return
    console.print("What will go wrong:")
    for concern in concerns:
        console.print(f"  {concern.about}: {concern.text}", markup=False, soft_wrap=True)
