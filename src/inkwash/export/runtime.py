"""The runtime of networks in the browser: three files of onnxruntime-web, pinned by version and hash."""

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
"""SHA-512 of the package, as in the registry."""
TIMEOUT = 600.0
"""Seconds for the download."""
FILES = ("ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm")


def files() -> dict[str, bytes]:
    """Return the files by name, from the cache or with npm from its configured registry.

    Raises `UsageError` when npm is not installed, `InkwashError` when the download fails or its hash differs.
    """
    archive_path = cache.folder() / f"onnxruntime-web-{VERSION}.tgz"
    if not archive_path.is_file() or _integrity(archive_path.read_bytes()) != INTEGRITY:
        archive_path.parent.mkdir(parents=True, exist_ok=True)
        _fetch(archive_path)
    with tarfile.open(fileobj=io.BytesIO(archive_path.read_bytes())) as archive:
        return {name: archive.extractfile(f"package/dist/{name}").read() for name in FILES}  # type: ignore[union-attr]


def _fetch(to: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise UsageError(
            f"npm is not installed, which downloads onnxruntime-web {VERSION}: install Node.js",
            code="missing-package",
            field="npm",
        )
    with tempfile.TemporaryDirectory() as folder:
        # Make one attempt, because without a network npm retries for more than a minute by default.
        command = [npm, "pack", f"onnxruntime-web@{VERSION}", "--json", "--ignore-scripts", "--fetch-retries=0"]
        try:
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=TIMEOUT, check=False)
        except subprocess.TimeoutExpired:
            raise InkwashError(
                f"npm did not download onnxruntime-web {VERSION} in {TIMEOUT:g} s: try again with a faster connection",
                code="download",
            ) from None
        if done.returncode:
            reason = next((line for line in done.stderr.splitlines() if line.strip()), "no reason given")
            raise InkwashError(
                f"npm cannot download onnxruntime-web {VERSION} ({reason}): try again with a connection",
                code="download",
            )
        packed = Path(folder) / json.loads(done.stdout)[0]["filename"]
        found = _integrity(packed.read_bytes())
        if found != INTEGRITY:
            raise InkwashError(
                f"onnxruntime-web {VERSION} has another hash than expected ({found[:20]}…): check the registry of npm",
                code="damaged-file",
            )
        shutil.move(packed, to)


def _integrity(content: bytes) -> str:
    return "sha512-" + base64.b64encode(hashlib.sha512(content).digest()).decode("ascii")
