"""A picture that inkwash drew: what it says of itself."""

from __future__ import annotations

import json
from pathlib import Path

from inkwash.cli.console import Console
from inkwash.errors import UsageError
from inkwash.io import png_metadata

SUFFIXES = (".png", ".webp")


def show(path: Path, as_json: bool) -> None:
    """Print the facts that a picture carries, and how to draw it again. Raises `UsageError` where there are none."""
    metadata = png_metadata.read_metadata(path)
    if not metadata:
        raise UsageError(
            f"{path} does not say how it was drawn: pictures of inkwash do, unless another program saved them"
        )
    if as_json:
        print(json.dumps(metadata, indent=2))
        return
    console = Console(highlight=False, markup=False)
    for name, value in metadata.items():
        if name != "request":
            console.print(f"{name}: {value}")
    if "request" in metadata:
        console.print(f"draw it again: inkwash sample {path}")
