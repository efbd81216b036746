"""Recognize pickles by their first bytes, whatever their name; they are never opened, because unpickling can run code."""

from __future__ import annotations

import zipfile
from pathlib import Path

from inkwash.errors import PICKLE_SUFFIXES, UsageError

_PROTOCOLS = tuple(bytes([0x80, version]) for version in range(2, 6))
"""The first bytes of pickles of the protocols 2 to 5."""
_LEGACY_NAMES = ("storages", "tensors", "pickle")
"""Members of the tar files of old versions of PyTorch."""
CONVERT = "convert it in a program that you trust: safetensors.torch.save_file(model.state_dict(), 'NAME.safetensors')"


def kind(path: Path) -> str | None:
    """Return what kind of pickle the file at `path` is, by its content or else its suffix; None if it is none."""
    try:
        with path.open("rb") as file:
            start = file.read(512)
        if start.startswith(b"PK") and zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                return "a PyTorch pickle" if any(_is_pickle(name) for name in archive.namelist()) else None
    except (OSError, zipfile.BadZipFile, ValueError):
        return None
    if start.startswith(_PROTOCOLS):
        # torch.save wrote this number before it used zip archives.
        return "a PyTorch pickle" if b"\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19" in start else "a pickle"
    if start[257:262] == b"ustar" and start.split(b"\0", 1)[0].decode("ascii", "replace") in _LEGACY_NAMES:
        return "a PyTorch pickle"
    return "a pickle" if path.suffix.lower() in PICKLE_SUFFIXES else None


def _is_pickle(name: str) -> bool:
    return name.rpartition("/")[2] in ("data.pkl", "constants.pkl")


def error(path: Path, found: str, field: str = "model") -> UsageError:
    """Return the error for the file at `path`, whose kind `found` is."""
    message = f"{path} is {found}, which inkwash does not open because unpickling can run code: {CONVERT}"
    return UsageError(message, code="wrong-file", field=field)
