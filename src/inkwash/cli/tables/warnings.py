"""The warnings section that several tables end with."""

from __future__ import annotations

from collections.abc import Sequence

from inkwash.checks import CheckWarning
from inkwash.cli.console import Console


def show(console: Console, concerns: Sequence[CheckWarning]) -> None:
    """Print each concern on a line under a heading, or that there are no warnings."""
    if not concerns:
        console.print("No warnings.")
        return
    console.print("Warnings:")
    for concern in concerns:
        console.print(f"  {concern.about}: {concern.text}", soft_wrap=True)
