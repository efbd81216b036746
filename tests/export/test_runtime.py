"""The download of onnxruntime-web with npm: failures are reported soon and in one line."""

from __future__ import annotations

import subprocess
from types import SimpleNamespace

import pytest

from inkwash.errors import InkwashError
from inkwash.export import runtime


@pytest.fixture(autouse=True)
def empty_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("INKWASH_CACHE", str(tmp_path))
    monkeypatch.setattr("shutil.which", lambda name: name)


def test_npm_makes_one_attempt(monkeypatch):
    """By default npm retries for more than a minute."""
    arguments = []

    def offline(command, **_):
        arguments.extend(command)
        return SimpleNamespace(returncode=1, stderr="\nnpm error code ECONNREFUSED\n", stdout="")

    monkeypatch.setattr(subprocess, "run", offline)
    with pytest.raises(InkwashError, match="ECONNREFUSED"):
        runtime.files()
    assert "--fetch-retries=0" in arguments


def test_npm_that_hangs_is_stopped(monkeypatch):
    def hangs(command, timeout, **_):
        raise subprocess.TimeoutExpired(command, timeout)

    monkeypatch.setattr(subprocess, "run", hangs)
    with pytest.raises(InkwashError, match="onnxruntime-web"):
        runtime.files()
