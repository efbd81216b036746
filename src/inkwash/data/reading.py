"""Read the bytes of data files, decompressed if they are gzip files, and the errors for invalid files."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

from inkwash.errors import InkwashError, first_line

GZIP_MAGIC = b"\x1f\x8b"


def damaged_file(message: str) -> InkwashError:
    """Return the error for a file that is truncated or changed."""
    return InkwashError(message, code="damaged-file")


def invalid_data(message: str, field: str | None = None) -> InkwashError:
    """Return the error for arrays or images of another dtype, shape, count or range than a data set has."""
    return InkwashError(message, code="invalid-data", field=field)


def read_bytes(path: Path) -> bytes:
    """Return the content of `path`, decompressed if its first bytes are those of gzip, whatever its name.

    Raises `InkwashError` for a file that is missing, unreadable, empty, a web page, or a damaged gzip.
    """
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise InkwashError(f"{path} is missing: check the path", code="missing-file") from None
    except OSError as error:
        raise InkwashError(
            f"cannot read {path}: {first_line(error)}; check the path and its permissions", code="io"
        ) from error
    if not raw:
        raise damaged_file(f"{path} is empty: fetch it again")
    if is_web_page(raw):
        raise InkwashError(f"{path} is a web page, not data: download it again from another server", code="wrong-file")
    if not raw.startswith(GZIP_MAGIC):
        return raw
    try:
        return gzip.decompress(raw)
    except (EOFError, OSError, zlib.error) as error:
        raise damaged_file(f"{path} is a damaged gzip file ({first_line(error)}): fetch it again") from error


def is_web_page(raw: bytes) -> bool:
    """Return whether the bytes begin like HTML, which servers send in place of a missing file."""
    return raw[:256].lstrip(b"\xef\xbb\xbf \r\n\t").lower().startswith((b"<!doctype", b"<html"))
