"""Atomic writes: after any failure the target is unchanged and nothing else is left."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from inkwash.errors import InkwashError
from inkwash.io.atomic import atomic, fresh_folder, write_text

FAILED = InkwashError("stop", code="io")


def test_a_file_appears_only_when_it_is_complete(tmp_path: Path) -> None:
    target = tmp_path / "new" / "deep" / "a.json"
    with atomic(target) as temporary:
        temporary.write_text("half")
        assert not target.exists()
        # writers such as Pillow choose their format by the ending, and a rename must not cross file systems
        assert (temporary.parent, temporary.suffix) == (target.parent, target.suffix)
    assert target.read_text() == "half"
    assert os.listdir(target.parent) == ["a.json"]


def test_a_new_version_replaces_the_old_one(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    write_text(target, "old and longer\n")
    write_text(target, "naïve ✓\n")
    assert target.read_bytes() == "naïve ✓\n".encode()
    assert os.listdir(tmp_path) == ["a.txt"]


@pytest.mark.parametrize("failure", [KeyboardInterrupt("stop"), ValueError("stop"), SystemExit("stop"), FAILED])
def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path, failure: BaseException) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(type(failure)), atomic(target) as temporary:
        temporary.write_text("half of the new")
        raise failure
    assert target.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_a_full_disk_leaves_the_old_file_and_the_error_names_file_and_cause(tmp_path: Path) -> None:
    target, cause = tmp_path / "a.txt", os.strerror(errno.ENOSPC)
    target.write_text("old")
    with pytest.raises(InkwashError, match=f"{target}.*{cause}") as error, atomic(target) as temporary:
        temporary.write_text("half")
        raise OSError(errno.ENOSPC, cause)
    assert error.value.code == "io" and target.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


@pytest.mark.parametrize("name", ["file/a.txt", "folder"])
def test_a_path_of_another_kind_is_an_error(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("content")
    (tmp_path / "folder").mkdir()
    with pytest.raises(InkwashError) as error:
        write_text(tmp_path / name, "text")
    assert error.value.code == "io" and (tmp_path / "file").read_text() == "content"
    assert sorted(os.listdir(tmp_path)) == ["file", "folder"]


def test_written_files_are_readable_by_others(tmp_path: Path) -> None:
    # temporary files are private by default, and shared folders of runs are not
    write_text(tmp_path / "a.txt", "text")
    assert (tmp_path / "a.txt").stat().st_mode & 0o444 == 0o444


@pytest.mark.parametrize("writer", [atomic, fresh_folder])
def test_a_failed_write_removes_the_folders_that_it_created_and_no_others(tmp_path: Path, writer: Any) -> None:
    (tmp_path / "mine").mkdir()
    with pytest.raises(InkwashError), writer(tmp_path / "mine" / "new" / "deep" / "a"):
        raise InkwashError("failed", code="io")
    assert list((tmp_path / "mine").iterdir()) == []
    # what another has put there meanwhile stays, and its folder
    with pytest.raises(InkwashError), writer(tmp_path / "mine" / "new" / "a"):
        (tmp_path / "mine" / "new" / "other").write_text("of another")
        raise InkwashError("failed", code="io")
    assert os.listdir(tmp_path / "mine" / "new") == ["other"]
