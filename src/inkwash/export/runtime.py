"""Packages of npm, pinned by version and hash: onnxruntime-web, which runs networks in the browser."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import shutil
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

from inkwash.errors import InkwashError, UsageError
from inkwash.io import cache

TIMEOUT = 600.0
"""Seconds for a download."""
FILES = ("ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm")


@dataclass(frozen=True)
class Package:
    """A package of npm; `integrity` is its SHA-512, as in the registry."""

    name: str
    version: str
    integrity: str

    def __str__(self) -> str:
        return f"{self.name} {self.version}"

    def files(self, *paths: str) -> list[bytes]:
        """Return the files at `paths`, from the cache or with npm from its configured registry.

        Raises `UsageError` when npm is not installed, `InkwashError` when the download fails or its hash differs.
        """
        archive_path = cache.folder() / f"{self.name}-{self.version}.tgz"
        if not archive_path.is_file() or _integrity(archive_path.read_bytes()) != self.integrity:
            archive_path.parent.mkdir(parents=True, exist_ok=True)
            _fetch(self, archive_path)
        with tarfile.open(fileobj=io.BytesIO(archive_path.read_bytes())) as archive:
            return [archive.extractfile(f"package/{path}").read() for path in paths]  # type: ignore[union-attr]


RUNTIME = Package(
    "onnxruntime-web",
    "1.30.0",
    "sha512-q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ==",
)


def files() -> dict[str, bytes]:
    """Return the three files of onnxruntime-web by name. Raises as `Package.files`."""
    return dict(zip(FILES, RUNTIME.files(*(f"dist/{name}" for name in FILES)), strict=True))


def _fetch(package: Package, to: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise UsageError(
            f"npm is not installed, which downloads {package}: install Node.js", code="missing-package", field="npm"
        )
    with tempfile.TemporaryDirectory() as folder:
        # Make one attempt, because without a network npm retries for more than a minute by default.
        wanted = f"{package.name}@{package.version}"
        command = [npm, "pack", wanted, "--json", "--ignore-scripts", "--fetch-retries=0"]
        try:
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=TIMEOUT, check=False)
        except subprocess.TimeoutExpired:
            raise InkwashError(
                f"npm did not download {package} in {TIMEOUT:g} s: try again with a faster connection", code="download"
            ) from None
        if done.returncode:
            reason = next((line for line in done.stderr.splitlines() if line.strip()), "no reason given")
            raise InkwashError(
                f"npm cannot download {package} ({reason}): try again with a connection", code="download"
            )
        packed = Path(folder) / json.loads(done.stdout)[0]["filename"]
        found = _integrity(packed.read_bytes())
        if found != package.integrity:
            raise InkwashError(
                f"{package} has another hash than expected ({found[:20]}…): check the registry of npm",
                code="damaged-file",
            )
        shutil.move(packed, to)


def _integrity(content: bytes) -> str:
    return "sha512-" + base64.b64encode(hashlib.sha512(content).digest()).decode("ascii")
