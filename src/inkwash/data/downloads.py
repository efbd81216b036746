"""Download data sets that are not on this machine: mirrors are tried in turn, files are verified by SHA-256."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from inkwash.errors import InkwashError, first_line
from inkwash.io import cache

CONNECT_SECONDS = 15


@dataclass(frozen=True)
class Download:
    """The files of a data set with their SHA-256 (hex), and the base URLs of the mirrors."""

    name: str
    files: Mapping[str, str]
    mirrors: tuple[str, ...]


def fetch(download: Download) -> Path:
    """Return the folder with all files of `download`; those in the cache with their SHA-256 need no network.

    Files are written atomically. Raises `InkwashError` when no mirror serves a file with the expected SHA-256.
    """
    folder = cache.folder() / download.name
    for file, sha256 in download.files.items():
        _fetch_file(download, file, sha256, folder)
    return folder


def cached_download(download: Download) -> Path | None:
    """Return the folder of `download` if all of its files are in the cache, else None; nothing is downloaded."""
    folder = cache.folder() / download.name
    return folder if all((folder / file).is_file() for file in download.files) else None


def _fetch_file(download: Download, file: str, sha256: str, folder: Path) -> None:
    import pooch

    failures = []
    for mirror in download.mirrors:
        try:
            client = pooch.HTTPDownloader(timeout=CONNECT_SECONDS)
            pooch.retrieve(f"{mirror}{file}", f"sha256:{sha256}", fname=file, path=folder, downloader=client)
            return
        except (OSError, ValueError) as error:
            failures.append(f"{urlsplit(mirror).hostname}: {_cause(error)}")
    raise InkwashError(
        f"cannot download {file} of {download.name} ({'; '.join(failures)}): give a folder with the files,"
        " by --data FOLDER or INKWASH_DATA=FOLDER, or use --data digits, which needs no network",
        code="download",
        field="data",
    )


def _cause(error: Exception) -> str:
    """Return a few words for an error of requests or pooch, whose messages are paragraphs."""
    import requests

    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"HTTP {error.response.status_code}"
    if isinstance(error, requests.Timeout):
        return f"no answer in {CONNECT_SECONDS} s"
    if isinstance(error, requests.ConnectionError):
        return "no connection"
    if isinstance(error, PermissionError):
        return "the cache folder cannot be written, set INKWASH_CACHE"
    if isinstance(error, ValueError):
        return "served a file with the wrong SHA-256"
    return first_line(error)
