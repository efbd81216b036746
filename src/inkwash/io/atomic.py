"""Atomic writes: to a temporary file beside the target, flushed to the disk, then renamed."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from inkwash.errors import InkwashError, UsageError


@contextmanager
def atomic(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path` that replaces it when the block ends without an error.

    A missing folder is created. On any error the temporary file and a folder created for it are removed, and
    `path` stays as it was.
    Raises `InkwashError` when the folder cannot be written or the disk is full.
    """
    path = Path(path)
    temporary: Path | None = None
    created = _missing(path.parent)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # The suffix stays last, because writers such as Pillow choose their format by it.
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=path.suffix)
        os.close(handle)
        temporary = Path(name)
        yield temporary
        with temporary.open("rb+") as written:
            os.fsync(written.fileno())
        temporary.chmod(0o644)
        os.replace(temporary, path)
        created = []
    except OSError as error:
        reason = error.strerror or str(error)
        raise InkwashError(
            f"cannot write {path}: {reason}; free the space or choose another place", code="io"
        ) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        _remove_empty(created)


def require_space(path: str | Path, size: int) -> None:
    """Raise `InkwashError` when the disk of `path` has less than `size` bytes free."""
    place = Path(path).absolute().parent
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    if free < size:
        raise InkwashError(
            f"cannot write {path}: it needs {size / 1e6:,.1f} MB and the disk has {free / 1e6:,.1f}; free the space or "
            "choose another place",
            code="io",
        )


def require_creatable(path: Path, field: str = "out") -> None:
    """Raise `UsageError` unless `path` can be created: the nearest existing parent is a writable folder."""
    parent = next(place for place in path.absolute().parents if place.exists())
    if not parent.is_dir():
        raise UsageError(
            f"--{field} {path}: {parent} is a file, not a folder; choose another", code="wrong-file", field=field
        )
    if not os.access(parent, os.W_OK):
        raise UsageError(f"--{field} {path}: {parent} cannot be written; choose another", code="io", field=field)


@contextmanager
def fresh_folder(path: str | Path) -> Iterator[Path]:
    """Yield a temporary folder beside `path` that is renamed to it when the block ends without an error.

    On any error it is removed, and parents created for it too. Raises `UsageError` when `path` is a file or a folder that
    is not empty, `InkwashError` when it cannot be written.
    """
    path = Path(path)
    temporary: Path | None = None
    created = _missing(path.parent)
    try:
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise UsageError(
                f"{path} is not empty, and nothing is overwritten: choose another --out", code="exists", field="out"
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}-"))
        yield temporary
        temporary.chmod(0o755)
        # An empty folder of that name is replaced.
        os.replace(temporary, path)
        temporary, created = None, []
    except OSError as error:
        raise InkwashError(
            f"cannot write {path}: {error.strerror or error}; choose another --out", code="io", field="out"
        ) from error
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)
        _remove_empty(created)


def _missing(folder: Path) -> list[Path]:
    """Return `folder` and those of its parents that do not exist, the innermost first."""
    return [place for place in (folder, *folder.parents) if not place.exists()]


def _remove_empty(folders: list[Path]) -> None:
    """Remove the folders that a failed write has created, unless they have other contents by now."""
    for folder in folders:
        with suppress(OSError):
            folder.rmdir()


def write_text(path: str | Path, text: str) -> None:
    """Write `text` as UTF-8 to `path`, atomically. Raises `InkwashError` when it cannot be written."""
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
