"""The warnings section that several tables end with."""

from __future__ import annotations

from collections.abc import Sequence

from inkwash.checks import CheckWarning
from inkwash.text.console import Console


def show(console: Console, warnings: Sequence[CheckWarning]) -> None:
    """Print each warning on a line under a heading, or that there are no warnings."""
    if not warnings:
        console.print("No warnings.")
        return
    console.print("Warnings:")
    for warning in warnings:
        console.print(f"  {warning.about}: {warning.text}", soft_wrap=True)
