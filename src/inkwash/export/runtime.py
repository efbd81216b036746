"""What runs a network in a browser: three files of onnxruntime-web, of one version and one hash."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

from inkwash.errors import InkwashError, UsageError
from inkwash.io import cache

VERSION = "1.30.0"
INTEGRITY = "sha512-q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ=="
"""The registry's own SHA-512 of the package."""
PATIENCE = 600.0
"""Seconds that fetching it may take."""
FILES = ("ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm")


def files() -> dict[str, bytes]:
    """Return the files by name, from the cache, or else from the package registry that npm is set up for.

    Raises `UsageError` without npm, `InkwashError` when the package cannot be had or is not the one that is known.
    """
    kept = cache.folder() / f"onnxruntime-web-{VERSION}.tgz"
    if not kept.is_file() or _integrity(kept.read_bytes()) != INTEGRITY:
        kept.parent.mkdir(parents=True, exist_ok=True)
        _fetch(kept)
    with tarfile.open(fileobj=io.BytesIO(kept.read_bytes())) as archive:
        return {name: archive.extractfile(f"package/dist/{name}").read() for name in FILES}  # type: ignore[union-attr]


def _fetch(to: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise UsageError(
            f"onnxruntime-web {VERSION} is fetched with npm, which is not installed: install Node.js, once"
        )
    with tempfile.TemporaryDirectory() as folder:
        # once: by itself npm tries for more than a minute where there is no network
        command = [npm, "pack", f"onnxruntime-web@{VERSION}", "--json", "--ignore-scripts", "--fetch-retries=0"]
        try:
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=PATIENCE, check=False)
        except subprocess.TimeoutExpired:
            raise InkwashError(
                f"npm has not fetched onnxruntime-web {VERSION} in {PATIENCE:g} s: try again with a faster connection"
            ) from None
        if done.returncode:
            reason = next((line for line in done.stderr.splitlines() if line.strip()), "no reason given")
            raise InkwashError(f"npm cannot fetch onnxruntime-web {VERSION} ({reason}): try again with a connection")
        packed = Path(folder) / json.loads(done.stdout)[0]["filename"]
        found = _integrity(packed.read_bytes())
        if found != INTEGRITY:
            raise InkwashError(
                f"onnxruntime-web {VERSION} is not the package that is known ({found[:20]}…): do not use it"
            )
        shutil.move(packed, to)


def _integrity(content: bytes) -> str:
    return "sha512-" + base64.b64encode(hashlib.sha512(content).digest()).decode("ascii")
