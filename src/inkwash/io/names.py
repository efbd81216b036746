"""Names from outside (recipes, checkpoint headers, folders, image metadata), and output paths that contain them.

Recipe names are checked when they are read, because run folders and images are named after them. Class names are not:
"N/A" and "<5" are valid labels. They are cleaned when a file is named after one.
"""

from __future__ import annotations

import os
from pathlib import Path

from inkwash.errors import UsageError

MAX_LENGTH = 100
"""Characters of a name; file names add a number and a suffix."""
MAX_BYTES = 200
"""Bytes of a name in UTF-8; file systems allow 255 for a file name."""
FORBIDDEN = frozenset('/\\:*?"<>|&$`[]')
"""Separators and characters that Windows forbids in file names; then the markup of HTML, mathtext, Markdown and rich."""
RESERVED = frozenset(
    {"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"}
    | {f"{port}{k}" for port in ("COM", "LPT") for k in "0123456789¹²³"}
)
"""Device names of Windows, which are reserved with every suffix."""


def invalid_reason(text: str) -> str | None:
    """Return why `text` is not a valid name, None if it is."""
    wrong = next((each for each in text if each in FORBIDDEN or not each.isprintable()), None)
    if not text:
        return "it is empty"
    if wrong is not None:
        return f"it contains {wrong!a}"
    if text[0] in " ." or text[-1] in " .":
        return "it begins or ends with a dot or a space"
    if len(text) > MAX_LENGTH or len(text.encode()) > MAX_BYTES:
        return f"it has {len(text):,} characters, of at most {MAX_LENGTH} ({MAX_BYTES} bytes)"
    if _is_reserved(text):
        return "some systems reserve it for a device"
    return None


def checked_name(text: str, where: str, field: str | None = None) -> str:
    """Return `text` if it is a valid name.

    Raises `UsageError` of `field`, whose message begins with `where` the name was read, if it is not.
    """
    found = invalid_reason(text)
    if found is not None:
        raise UsageError(
            f"{where} is {_shortened(text)}: {found}; use letters, digits, spaces and - _ . as in 'my-model'",
            code="invalid-value",
            field=field,
        )
    return text


def sanitized_name(text: str) -> str:
    """Return the nearest valid name: forbidden characters become hyphens, a long name is cut."""
    safe = "".join("-" if each in FORBIDDEN or not each.isprintable() else each for each in text)
    safe = safe.strip(" .-")[:MAX_LENGTH].encode()[:MAX_BYTES].decode(errors="ignore").rstrip(" .") or "unnamed"
    return f"_{safe[1 - MAX_LENGTH :]}" if _is_reserved(safe) else safe


def path_in(folder: str | Path, name: str) -> Path:
    """Return the path `name` in `folder`; every output path with a name from outside is made here.

    Raises `UsageError` unless `name` is one path component that lies in `folder`, symbolic links resolved.
    """
    folder = Path(folder)
    path = folder / name
    if name in ("", ".", "..") or "\0" in name or Path(name).name != name:
        raise UsageError(
            f"{_shortened(name)} is not a file name in {folder}: use a name without separators", code="unsafe-path"
        )
    require_inside(path, folder)
    return path


def require_inside(path: Path, folder: Path) -> None:
    """Raise `UsageError` when `path`, symbolic links resolved, does not lie in `folder`."""
    # Use realpath, because Path.resolve raises for a link to itself.
    if not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder)):
        raise UsageError(
            f"{path} is a symbolic link that leads outside of {folder}: replace it by its target", code="unsafe-path"
        )


def require_contained(folder: str | Path) -> None:
    """Raise `UsageError` when a symbolic link anywhere in `folder` leads outside: writing through it would escape."""
    for path in Path(folder).rglob("*"):
        if path.is_symlink():
            require_inside(path, Path(folder))


def _is_reserved(text: str) -> bool:
    return text.partition(".")[0].rstrip().upper() in RESERVED


def _shortened(text: str) -> str:
    return ascii(text) if len(text) <= MAX_LENGTH else f"{text[:MAX_LENGTH]!a}…"
