"""Files are written whole or not at all: a temporary neighbour, flushed to the disk, then one rename."""

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

    The folder is made when it is missing. On any error the temporary file and a folder made for it are removed, and
    `path` stays as it was.
    Raises `InkwashError` when the folder cannot be written or the disk is full.
    """
    path = Path(path)
    temporary: Path | None = None
    made = _missing(path.parent)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # the suffix stays last, because writers such as Pillow choose their format by it
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=path.suffix)
        os.close(handle)
        temporary = Path(name)
        yield temporary
        with temporary.open("rb+") as written:
            os.fsync(written.fileno())
        temporary.chmod(0o644)
        os.replace(temporary, path)
        made = []
    except OSError as error:
        reason = error.strerror or str(error)
        raise InkwashError(f"cannot write {path}: {reason}; free the space or choose another place") from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        _remove_empty(made)


def require_space(path: str | Path, size: int) -> None:
    """Raise `InkwashError` when the disk of `path` has less room than for a file of `size` bytes beside what is there."""
    place = Path(path).absolute().parent
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    if free < size:
        raise InkwashError(
            f"cannot write {path}: it needs {size / 1e6:,.1f} MB and the disk has {free / 1e6:,.1f}; free the space or "
            "choose another place"
        )


@contextmanager
def fresh_folder(path: str | Path) -> Iterator[Path]:
    """Yield a temporary folder beside `path` that becomes it when the block ends without an error.

    On any error nothing is left of it, nor of parents made for it. Raises `UsageError` when `path` is a file or holds
    something, `InkwashError` when it cannot be written.
    """
    path = Path(path)
    temporary: Path | None = None
    made = _missing(path.parent)
    try:
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise UsageError(f"{path} already holds something and nothing is overwritten: choose another --out")
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}-"))
        yield temporary
        temporary.chmod(0o755)
        # an empty folder of that name gives way
        os.replace(temporary, path)
        temporary, made = None, []
    except OSError as error:
        raise InkwashError(
            f"cannot write {path}: {error.strerror or error}; free the space or choose another --out"
        ) from error
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)
        _remove_empty(made)


def _missing(folder: Path) -> list[Path]:
    """Return `folder` and those of its parents that do not exist, the innermost first."""
    return [place for place in (folder, *folder.parents) if not place.exists()]


def _remove_empty(folders: list[Path]) -> None:
    """Remove the folders that a failed write has made, unless something else has been put there since."""
    for folder in folders:
        with suppress(OSError):
            folder.rmdir()


def write_text(path: str | Path, text: str) -> None:
    """Write `text` as UTF-8 to `path`, whole or not at all. Raises `InkwashError` when it cannot be written."""
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
