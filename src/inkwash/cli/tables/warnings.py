"""The section of a page with the warnings."""

from __future__ import annotations

from collections.abc import Sequence

from inkwash.checks import Concern
from inkwash.cli.console import Console


def tell(console: Console, concerns: Sequence[Concern]) -> None:
    """Print one line a concern under a heading, or that there is none."""
    if not concerns:
        console.print("No warnings.")
        return
    console.print("Warnings:")
    for concern in concerns:
        console.print(f"  {concern.about}: {concern.text}", markup=False, soft_wrap=True)
