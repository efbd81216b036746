"""The browser's runtime is fetched with npm; without a network that is said soon and in one line."""

from __future__ import annotations

import subprocess
from types import SimpleNamespace

import pytest

from inkwash.errors import InkwashError
from inkwash.export import runtime


@pytest.fixture(autouse=True)
def nothing_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("INKWASH_CACHE", str(tmp_path))
    monkeypatch.setattr("shutil.which", lambda name: name)


def test_npm_tries_once(monkeypatch):
    """By itself it tries for more than a minute."""
    asked = []

    def offline(command, **_):
        asked.extend(command)
        return SimpleNamespace(returncode=1, stderr="\nnpm error code ECONNREFUSED\n", stdout="")

    monkeypatch.setattr(subprocess, "run", offline)
    with pytest.raises(InkwashError, match=r"ECONNREFUSED.*: try again with a connection"):
        runtime.files()
    assert "--fetch-retries=0" in asked


def test_npm_that_hangs_is_given_up(monkeypatch):
    def hangs(command, timeout, **_):
        raise subprocess.TimeoutExpired(command, timeout)

    monkeypatch.setattr(subprocess, "run", hangs)
    with pytest.raises(InkwashError, match=r"has not fetched onnxruntime-web .*: try again"):
        runtime.files()
