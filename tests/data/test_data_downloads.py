"""Downloads from a server on the loopback: mirrors in turn, SHA-256, the cache, ways out offline."""

from __future__ import annotations

import gzip
import hashlib
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from inkwash.data import load, mnist
from inkwash.data.downloads import Download, fetch
from inkwash.data.mnist_variants import FILES, PUBLISHED
from inkwash.errors import InkwashError
from inkwash.io import cache

CONTENT = b"seven bytes and some more"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
# a port on which nothing listens: the discard service
DEAD = "http://127.0.0.1:9/"


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Print nothing."""


@dataclass(frozen=True)
class Server:
    """A folder that is served, and its URL."""

    folder: Path
    url: str


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("INKWASH_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("INKWASH_DATA", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    folder = tmp_path / "served"
    folder.mkdir()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as http:
        threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True).start()
        yield Server(folder, f"http://127.0.0.1:{http.server_port}/")
        http.shutdown()


def error_of(download: Download) -> str:
    with pytest.raises(InkwashError) as error:
        fetch(download)
    assert (error.value.code, error.value.field) == ("download", "data") and "\n" not in str(error.value)
    assert all(text in str(error.value) for text in ("--data FOLDER", "INKWASH_DATA", "--data digits"))
    return str(error.value)


def test_a_file_is_fetched_once_and_then_needs_no_server(server: Server) -> None:
    (server.folder / "a.bin").write_bytes(CONTENT)
    assert (fetch(Download("set", {"a.bin": SHA256}, (server.url,))) / "a.bin").read_bytes() == CONTENT
    assert (fetch(Download("set", {"a.bin": SHA256}, (DEAD,))) / "a.bin").read_bytes() == CONTENT


def test_the_next_mirror_is_tried_when_one_is_dead_or_lacks_the_file_or_serves_another(
    server: Server,
) -> None:
    for name, content in {"bad": b"<html>moved</html>", "good": CONTENT}.items():
        (server.folder / name).mkdir()
        (server.folder / name / "a.bin").write_bytes(content)
    mirrors = (DEAD, f"{server.url}absent/", f"{server.url}bad/", f"{server.url}good/")
    assert (fetch(Download("set", {"a.bin": SHA256}, mirrors)) / "a.bin").read_bytes() == CONTENT
    message = error_of(Download("other", {"a.bin": SHA256}, mirrors[:3]))
    assert "no connection" in message and "HTTP 404" in message and "wrong SHA-256" in message


def test_a_wrong_file_is_removed(server: Server) -> None:
    (server.folder / "a.bin").write_bytes(CONTENT[:-1])
    error_of(Download("set", {"a.bin": SHA256}, (server.url,)))
    assert [path for path in cache.folder().rglob("*") if path.is_file()] == []


def test_a_damaged_file_in_the_cache_is_fetched_again(server: Server) -> None:
    (server.folder / "a.bin").write_bytes(CONTENT)
    download = Download("set", {"a.bin": SHA256}, (server.url,))
    (fetch(download) / "a.bin").write_bytes(CONTENT[:5])
    assert (fetch(download) / "a.bin").read_bytes() == CONTENT


def publish(folder: Path, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """Serve a tiny stand-in for MNIST and let its SHA-256 be the published ones."""
    images = bytes([0, 0, 8, 3]) + struct.pack(">3I", 2, 1, 1) + b"\x07\x09"
    labels = bytes([0, 0, 8, 1]) + struct.pack(">I", 2) + b"\x01\x00"
    of_images, of_labels = (hashlib.sha256(gzip.compress(raw, mtime=0)).hexdigest() for raw in (images, labels))
    for name, raw in zip(FILES, (images, labels, images, labels), strict=True):
        (folder / name).write_bytes(gzip.compress(raw, mtime=0))
    sha256 = (of_images, of_labels, of_images, of_labels)
    tiny = replace(PUBLISHED["mnist"], sha256=sha256, mirrors=(url,), unpacked=())
    monkeypatch.setitem(PUBLISHED, "mnist", tiny)


def test_a_named_set_is_downloaded_into_the_cache(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(server.folder, monkeypatch, server.url)
    data = load("mnist")
    assert data.name == "mnist" and data.values.flatten().tolist() == [7, 9] and data.classes == tuple("0123456789")
    assert sorted(path.name for path in (cache.folder() / "mnist").iterdir()) == sorted(FILES)


@pytest.mark.parametrize("inside", ["", "mnist"])
def test_the_users_own_files_come_before_any_download(
    server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, inside: str
) -> None:
    own = tmp_path / "own"
    (own / inside).mkdir(parents=True)
    publish(own / inside, monkeypatch, DEAD)
    monkeypatch.setenv("INKWASH_DATA", str(own))
    assert load("mnist").name == "mnist"
    assert not cache.folder().exists()


def test_another_data_set_with_the_file_names_of_mnist_is_not_mnist(
    server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    publish(server.folder, monkeypatch, DEAD)
    labels = bytes([0, 0, 8, 1]) + struct.pack(">I", 2) + b"\x01\x01"
    (server.folder / FILES[1]).write_bytes(gzip.compress(labels))
    monkeypatch.setenv("INKWASH_DATA", str(server.folder))
    assert load(None).name == "served"
    with pytest.raises(InkwashError) as error:
        load("mnist")
    assert error.value.code == "download"
    assert mnist.read(server.folder).name == "served"


def test_inkwash_cache_sets_the_cache_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("INKWASH_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache.folder().name == "inkwash"
    monkeypatch.setenv("INKWASH_CACHE", str(tmp_path / "elsewhere"))
    assert cache.folder() == tmp_path / "elsewhere"
