"""An image that inkwash wrote: its metadata, and the command that reproduces it."""

from __future__ import annotations

import json
from pathlib import Path

from inkwash.errors import UsageError
from inkwash.io import png_metadata
from inkwash.text.console import Console
from inkwash.text.printing import quoted

SUFFIXES = (".png", ".webp")


def show(path: Path, as_json: bool) -> None:
    """Print the metadata of an image and how to reproduce it. Raises `UsageError` for an image without metadata."""
    metadata = png_metadata.read_metadata(path)
    if not metadata:
        raise UsageError(
            f"{path} has no inkwash metadata: it was written or saved again by another program; give an image as "
            "inkwash wrote it",
            code="wrong-file",
        )
    if as_json:
        print(json.dumps(metadata, indent=2))
        return
    console = Console()
    for name, value in metadata.items():
        if name != "request":
            console.print(f"{name}: {value}")
    if "request" in metadata:
        request = metadata["request"]
        if isinstance(request, dict) and "prompt" in request:
            console.print(f"prompt: {request['prompt']}")
        console.print(f"reproduce it: inkwash sample {quoted(path)}")
