"""The entries of a data folder that count: without hidden ones and those that operating systems add."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

SYSTEM_NAMES = {"__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini", "$recycle.bin", "system volume information"}
DOCUMENT_STEMS = ("readme", "license", "licence", "copying", "copyright", "citation", "changelog")
"""Beginnings of the names of files that describe data: they are no data, and are not named as unread."""
NAMED = 3
"""Files that a message names; the others are counted."""


def is_visible(name: str) -> bool:
    """Return whether a file or folder of this name belongs to the data."""
    return not name.startswith(".") and name.lower() not in SYSTEM_NAMES


def is_document(name: str) -> bool:
    """Return whether a file of this name describes the data."""
    return name.lower().startswith(DOCUMENT_STEMS)


def entries(folder: Path) -> list[Path]:
    """Return the visible files and folders in `folder`, sorted by name."""
    # Names are sorted, because the comparison of many thousands of paths takes seconds.
    return [folder / name for name in sorted(os.listdir(folder)) if is_visible(name)]


def is_folder(entry: os.DirEntry[str]) -> bool:
    """Return whether an entry is a folder or a link to one; a link in a circle is not."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def folders(folder: Path) -> list[Path]:
    """Return the visible folders in `folder`, sorted by name."""
    # Without a call of the system for each of many thousands of images.
    with os.scandir(folder) as found:
        return sorted(folder / entry.name for entry in found if is_visible(entry.name) and is_folder(entry))


def listed(paths: Sequence[Path], root: Path) -> str:
    """Return the names of `paths` below `root` for a message: "a.txt, b/c.txt and 7 more"."""
    names = [path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path) for path in paths[:NAMED]]
    return ", ".join(names) + (f" and {len(paths) - NAMED:,} more" if len(paths) > NAMED else "")


def unread(paths: Sequence[Path], root: Path) -> str:
    """Return the sentence about the files `paths` below `root` that were not read, "" for none."""
    if not paths:
        return ""
    return f"{len(paths):,} {'files were' if len(paths) > 1 else 'file was'} not read: {listed(paths, root)}"
