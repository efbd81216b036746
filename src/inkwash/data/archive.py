"""Unpack zip and tar archives of data, which may be damaged or malicious, into a temporary folder.

Only files are unpacked: links and devices are refused, and so are paths that lead out of the folder. The number of entries
and the bytes are bounded while they are unpacked, whatever the archive says about them.
"""

from __future__ import annotations

import io
import lzma
import re
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO, NamedTuple, cast

from inkwash.data import reading, visible
from inkwash.errors import ErrorCode, InkwashError, first_line
from inkwash.text.printing import shortened
from inkwash.text.progress import StageProgressCallback

MAX_ENTRIES = 1_000_000
"""Files and folders in an archive: more are a mistake."""
MAX_BYTES = 32 << 30
"""Bytes of all files together."""
MAX_HEADER_BYTES = 1 << 20
"""Bytes that are read at once: more are a header of a malicious tar archive."""
COPY_BYTES = 1 << 18
SUFFIX = re.compile(r"\.(zip|tar|tgz|tbz2?|txz|tar\.(gz|bz2|xz))", re.IGNORECASE)
ERRORS = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    LookupError,
    OverflowError,
)
"""The exceptions of zipfile, tarfile and the decompressors for damaged archives."""


class Entry(NamedTuple):
    """A file or folder in an archive: its path, and a reader of its content, None for a folder."""

    name: str
    file: BinaryIO | None


def matches(path: Path) -> bool:
    """Return whether `path` is a file with the suffix of an archive."""
    return path.is_file() and bool(_suffix(path.name))


def stem(path: Path) -> str:
    """Return the name of an archive without its suffixes."""
    return path.name.removesuffix(_suffix(path.name)) or "archive"


@contextmanager
def unpacked(path: Path, progress: StageProgressCallback | None = None) -> Iterator[Path]:
    """Unpack the archive `path` into a folder with its name; the folder exists within the block.

    A folder of that name that contains all of the archive is returned itself. Errors raised within the block name the
    archive in place of the temporary folder. Raises `InkwashError` for an archive that is damaged, encrypted, too large, or
    has paths that are absolute or lead out of it, links or devices.
    """
    with tempfile.TemporaryDirectory(prefix="inkwash-", ignore_cleanup_errors=True) as temporary:
        folder = Path(temporary) / stem(path)
        folder.mkdir()
        try:
            _unpack(path, folder, progress)
            found = visible.entries(folder)
            yield found[0] if [each.name for each in found] == [folder.name] and found[0].is_dir() else folder
        except InkwashError as error:
            inside = "; unpack the archive first" if error.code == "conflict" else ""
            error.args = (f"{str(error).replace(str(folder), str(path))}{inside}",)
            raise


def _unpack(path: Path, folder: Path, progress: StageProgressCallback | None) -> None:
    seen: set[tuple[str, ...]] = set()
    total = 0
    entries = _zip_entries(path) if _suffix(path.name).lower() == ".zip" else _tar_entries(path)
    try:
        for entry in entries:
            parts = _parts(entry.name, path)
            if parts in seen and entry.file is not None:
                raise _refused(path, f"has two files {shortened(entry.name)}", "invalid-data")
            seen.add(parts)
            if not all(visible.is_visible(part) for part in parts[:-1]):
                continue
            target = folder.joinpath(*parts)
            if entry.file is None:
                target.mkdir(parents=True, exist_ok=True)
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("xb") as output:
                while chunk := entry.file.read(COPY_BYTES):
                    total += len(chunk)
                    _require_size(path, len(seen), total)
                    output.write(chunk)
            if progress is not None and len(seen) % 100 == 1:
                progress(f"unpacking {path.name}", 0.0)
    except ERRORS as error:
        if isinstance(error, RuntimeError) and "encrypted" in str(error):
            raise _refused(path, "is encrypted", "unsupported") from error
        raise _damaged(path, error) from error
    except OSError as error:
        # A gzip file with a wrong checksum raises an OSError without a number.
        if error.errno is None:
            raise _damaged(path, error) from error
        raise InkwashError(
            f"cannot unpack {path}: {first_line(error)}; check its permissions, and the space for temporary files",
            code="io",
            field="data",
        ) from error


def _zip_entries(path: Path) -> Iterator[Entry]:
    with path.open("rb") as file:
        reading.require_data(file.read(512), path)
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            _require_size(path, len(members), sum(member.file_size for member in members))
            for member in members:
                # The upper half of the attributes is the mode of Unix: 0o12 is a link.
                if member.external_attr >> 28 == 0o12:
                    raise _refused(path, f"has a link, {shortened(member.filename)}", "unsafe-path")
                if member.is_dir():
                    yield Entry(member.filename, None)
                    continue
                with archive.open(member) as content:
                    yield Entry(member.filename, cast(BinaryIO, content))


def _tar_entries(path: Path) -> Iterator[Entry]:
    with path.open("rb") as file:
        reading.require_data(file.read(512), path)
        file.seek(0)
        with reading.decompressed(file) as content:
            stream = TarStream(content)
            with tarfile.open(fileobj=cast(BinaryIO, stream), mode="r:") as archive:
                count = size = 0
                while (member := archive.next()) is not None:
                    # The list of all members would take more memory than the images.
                    archive.members = []  # type: ignore[attr-defined]
                    count, size = count + 1, size + member.size
                    _require_size(path, count, size)
                    if not (member.isdir() or member.isreg()):
                        kind = "link" if member.issym() or member.islnk() else "device"
                        raise _refused(path, f"has a {kind}, {shortened(member.name)}", "unsafe-path")
                    yield Entry(member.name, cast(BinaryIO | None, archive.extractfile(member)))
                # tarfile ends silently at a damaged header, and where the file is cut between two members.
                if not stream.at_end_mark():
                    raise tarfile.ReadError("it has no end mark")
            # The checksum of a compressed file is compared at its end.
            while content.read(COPY_BYTES):
                pass


class TarStream(io.RawIOBase):
    """A reader of an unpacked tar archive that bounds the bytes that are read at once, and keeps the last ones."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__()
        self.file = file
        self.last = b""

    def read(self, size: int = -1, /) -> bytes:
        """Return the next `size` bytes. Raises `ValueError` for more than MAX_HEADER_BYTES."""
        if not 0 <= size <= MAX_HEADER_BYTES:
            raise ValueError(f"a header of {size:,} bytes")
        self.last = self.file.read(size)
        return self.last

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Set the position, as that of the file."""
        return self.file.seek(offset, whence)

    def tell(self) -> int:
        """Return the position in bytes."""
        return self.file.tell()

    def seekable(self) -> bool:
        """Return True."""
        return True

    def readable(self) -> bool:
        """Return True."""
        return True

    def at_end_mark(self) -> bool:
        """Return whether the last bytes that were read are a block of zeros, with which archives end."""
        return self.last == bytes(tarfile.BLOCKSIZE)


def _require_size(path: Path, entries: int, size: int) -> None:
    limit = f"has more than {MAX_ENTRIES:,} files" if entries > MAX_ENTRIES else ""
    limit = f"unpacks to more than {MAX_BYTES:,} bytes" if size > MAX_BYTES else limit
    if limit:
        raise InkwashError(f"{path} {limit}: unpack it, and give the folder", code="too-large", field="data")


def _parts(name: str, path: Path) -> tuple[str, ...]:
    """Return the parts of a path in the archive. Raises `InkwashError` if it is absolute or leads out of the folder."""
    found = PurePosixPath(name.replace("\\", "/")).parts
    if ".." in found or found[:1] == ("/",) or any(":" in part or "\0" in part for part in found):
        raise _refused(path, f"has a path that leads out of it, {shortened(name)}", "unsafe-path")
    return found


def _refused(path: Path, fault: str, code: ErrorCode) -> InkwashError:
    return InkwashError(f"{path} {fault}: unpack it yourself, and give the folder", code=code, field="data")


def _damaged(path: Path, error: Exception) -> InkwashError:
    return reading.damaged_file(f"{path} is a damaged archive ({first_line(error)}): fetch it again")


def _suffix(name: str) -> str:
    """Return the end of `name` that is the suffix of an archive, "" for none."""
    found = re.search(f"(?:{SUFFIX.pattern})$", name, re.IGNORECASE)
    return found[0] if found else ""
