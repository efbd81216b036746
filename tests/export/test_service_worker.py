"""What an exported page keeps: another page of its address has other names, or is requested again."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import inkwash
from inkwash.export import runtime, web

INSTALL = """
const requested = [], events = {};
globalThis.registration = { scope: "http://localhost/" };
globalThis.addEventListener = (name, listener) => (events[name] = listener);
globalThis.caches = { open: async () => ({ addAll: async (requests) => requested.push(...requests) }) };
globalThis.Request = class { constructor(url, options) { Object.assign(this, { url }, options); } };
await import(given);
let installed = null;
events.install({ waitUntil: (promise) => (installed = promise) });
await installed;
console.log(JSON.stringify(requested.map((each) => (typeof each === "string" ? [each, "default"] : [each.url, each.cache]))));
"""


@pytest.fixture
def export(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes], Path]:
    """`export(content)` writes a page whose runtime has this content, and returns its folder."""

    def write(content: bytes) -> Path:
        monkeypatch.setattr(runtime, "files", lambda: dict.fromkeys(runtime.FILES, content))
        folder = tmp_path / content.decode()
        web.write([web.PageModel(inkwash.load("moons", device="cpu"), "moons", None)], folder, lambda what: None)
        return folder

    return write


def kept_by_name(folder: Path) -> dict[str, bytes]:
    """Return the content of the files that the service worker takes from its cache without a request."""
    script = (folder / web.SERVICE_WORKER).read_text(encoding="utf-8")
    files, large = (
        json.loads(re.search(rf"const {name} = (\[.*?\])", script).group(1))  # type: ignore[union-attr]
        for name in ("FILES", "LARGE")
    )
    return {path: (folder / path).read_bytes() for path in files if path.startswith(tuple(large))}


def test_runtime_of_another_content_has_other_names(export: Callable[[bytes], Path]) -> None:
    first, second = kept_by_name(export(b"first")), kept_by_name(export(b"second"))
    for found, content in ((first, b"first"), (second, b"second")):
        assert sorted(path.split("/")[-1] for path, each in found.items() if each == content) == sorted(runtime.FILES)
    # The model is the same, and is read from the cache.
    assert [path for path in first if path in second] == [path for path in first if path.startswith("models/")] != []
    assert all(first[path] == second[path] for path in first if path in second)


def test_modules_of_the_engine_import_files_that_exist(export: Callable[[bytes], Path]) -> None:
    engine = export(b"first") / "engine"
    for script in engine.glob("*.js"):
        for path in re.findall(r'(?:from|new URL\() ?"(\.{1,2}/[^"]+)"', script.read_text(encoding="utf-8")):
            assert (engine / path).exists(), (script.name, path)


def test_files_whose_names_stay_are_requested_again(
    export: Callable[[bytes], Path], javascript: Callable[..., Any]
) -> None:
    folder = export(b"first")
    requested = dict(javascript(INSTALL, (folder / web.SERVICE_WORKER).as_uri()))
    large = kept_by_name(folder)
    assert {path for path, mode in requested.items() if mode == "default"} == set(large)
    assert {path for path, mode in requested.items() if mode == "no-cache"} >= {
        "./",
        "main.js",
        "engine/runtime.js",
        "models.json",
    }
