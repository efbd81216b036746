"""The download of onnxruntime-web with npm: failures are reported soon and in one line."""

from __future__ import annotations

import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from inkwash.errors import InkwashError
from inkwash.export import runtime


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INKWASH_CACHE", str(tmp_path))
    monkeypatch.setattr("shutil.which", lambda name: name)


def test_npm_makes_one_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    """By default npm retries for more than a minute."""
    arguments: list[str] = []

    def offline(command: list[str], **_: Any) -> SimpleNamespace:
        arguments.extend(command)
        return SimpleNamespace(returncode=1, stderr="\nnpm error code ECONNREFUSED\n", stdout="")

    monkeypatch.setattr(subprocess, "run", offline)
    with pytest.raises(InkwashError) as error:
        runtime.files()
    assert error.value.code == "download" and "ECONNREFUSED" in str(error.value)
    assert "--fetch-retries=0" in arguments


def test_npm_that_hangs_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    def hangs(command: list[str], timeout: float, **_: Any) -> None:
        raise subprocess.TimeoutExpired(command, timeout)

    monkeypatch.setattr(subprocess, "run", hangs)
    with pytest.raises(InkwashError) as error:
        runtime.files()
    assert error.value.code == "download"
