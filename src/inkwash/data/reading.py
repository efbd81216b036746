"""Read the bytes of data files, decompressed where they are compressed, and the errors for invalid files."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import re
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, cast

from inkwash.errors import InkwashError, first_line
from inkwash.hardware import memory

COMPRESSED = re.compile(rb"(?P<gzip>\x1f\x8b)|(?P<bzip2>BZh[1-9]1AY&SY)|(?P<xz>\xfd7zXZ\0)")
"""The first bytes of a compressed file."""
DECOMPRESSION_ERRORS = (EOFError, OSError, zlib.error, lzma.LZMAError)
CHUNK_BYTES = 1 << 20

PLACEHOLDERS: tuple[tuple[re.Pattern[bytes], str], ...] = (
    (re.compile(rb"<(!doctype )?html", re.I), "a web page, not data: download it again from another server"),
    (
        re.compile(rb"(<\?xml[^>]*>\s*)?<error>", re.I),
        "the error message of a server, not data: download it again from another server",
    ),
    (re.compile(rb"<(\?xml|!doctype)", re.I), "an XML document, not data: download it again from another server"),
    (re.compile(rb"404: not found", re.I), "the error message of a server, not data: download it again"),
    (
        re.compile(rb"version https://git-lfs\.github\.com/"),
        "a pointer of Git LFS, not data: run 'git lfs pull' in its repository",
    ),
    (
        re.compile(rb"(\.\./)*(\.git)?/annex/objects/"),
        "a pointer of git-annex, not data: run 'git annex get' in its repository",
    ),
)
"""What is stored in place of data, by its first bytes: what it is, and what to do."""


def damaged_file(message: str) -> InkwashError:
    """Return the error for a file that is truncated or changed."""
    return InkwashError(message, code="damaged-file")


def invalid_data(message: str, field: str | None = None) -> InkwashError:
    """Return the error for arrays or images of another dtype, shape, count or range than a data set has."""
    return InkwashError(message, code="invalid-data", field=field)


def read_bytes(path: Path) -> bytes:
    """Return the content of `path`, decompressed if its first bytes are those of gzip, bzip2 or xz, whatever its name.

    Raises `InkwashError` for a file that is missing, unreadable, empty, a web page or another placeholder, a damaged
    compressed file, or one that does not fit into memory.
    """
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        if path.is_symlink():
            raise broken_link(path) from None
        raise InkwashError(f"{path} is missing: check the path", code="missing-file") from None
    except OSError as error:
        raise InkwashError(
            f"cannot read {path}: {first_line(error)}; check the path and its permissions", code="io"
        ) from error
    require_data(raw, path)
    if COMPRESSED.match(raw) is None:
        return raw
    content = io.BytesIO()
    try:
        with decompressed(io.BytesIO(raw)) as file:
            while chunk := file.read(CHUNK_BYTES):
                content.write(chunk)
                memory.require(content.tell(), f"{path} decompressed", "give a smaller file")
    except DECOMPRESSION_ERRORS as error:
        raise damaged_compression(path, raw, error) from error
    return content.getvalue()


def broken_link(path: Path) -> InkwashError:
    """Return the error for a link to nothing, or in a circle."""
    target = os.readlink(path)
    remedy = "run 'git annex get' in its repository" if "annex/objects" in target else "restore it, or remove the link"
    return InkwashError(
        f"{path} is a link to {target}, which does not exist: {remedy}", code="missing-file", field="data"
    )


def require_data(raw: bytes, path: Path) -> None:
    """Raise `InkwashError` if `raw`, the first bytes of `path`, are none, or those of one of `PLACEHOLDERS`."""
    if not raw:
        raise damaged_file(f"{path} is empty: fetch it again")
    start = raw[:512].lstrip(b"\xef\xbb\xbf \r\n\t")
    for pattern, what in PLACEHOLDERS:
        if pattern.match(start):
            raise InkwashError(f"{path} is {what}", code="wrong-file")


def decompressed(file: BinaryIO) -> BinaryIO:
    """Return a reader of the decompressed content of `file`, at its start; `file` itself if it is not compressed."""
    found = COMPRESSED.match(file.read(10))
    file.seek(0)
    openers: dict[str, Callable[[BinaryIO], Any]] = {"gzip": gzip.open, "bzip2": bz2.open, "xz": lzma.open}
    return cast(BinaryIO, openers[str(found.lastgroup)](file)) if found else file


def damaged_compression(path: Path, start: bytes, error: Exception) -> InkwashError:
    """Return the error for a file, with the first bytes `start`, that cannot be decompressed because of `error`."""
    found = COMPRESSED.match(start)
    return damaged_file(
        f"{path} is a damaged {found.lastgroup if found else 'compressed'} file ({first_line(error)}): fetch it again"
    )
