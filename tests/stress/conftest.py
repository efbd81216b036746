"""Fixtures that mount file systems for the stress tests."""

from __future__ import annotations

import ctypes
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path

import pytest

CLONE_NEWNS = 0x00020000


@cache
def enter_mount_namespace() -> bool:
    """Give this process a separate mount namespace; return False where that is not permitted."""
    try:
        if os.geteuid() != 0 or ctypes.CDLL(None).unshare(CLONE_NEWNS) != 0:
            return False
        private = subprocess.run(["mount", "--make-rprivate", "/"], capture_output=True, check=False)
    except (AttributeError, OSError):
        return False
    return private.returncode == 0


@pytest.fixture
def mount() -> Iterator[Callable[..., Path]]:
    """`mount(path, *options)` mounts a file system at `path` until the end of the test; skips where that is refused."""
    if not enter_mount_namespace():
        pytest.skip("this process may not mount a disk")
    with ExitStack() as stack:

        @contextmanager
        def mounted(path: Path, options: tuple[str, ...]) -> Iterator[Path]:
            path.mkdir(exist_ok=True)
            subprocess.run(["mount", *options, str(path)], check=True)
            try:
                yield path
            finally:
                subprocess.run(["umount", "-l", str(path)], check=True)

        yield lambda path, *options: stack.enter_context(mounted(Path(path).absolute(), options))


@pytest.fixture
def disk(mount: Callable[..., Path]) -> Callable[[str, int], Path]:
    """`disk(name, size)` is an empty tmpfs of `size` bytes in a folder of that name."""
    return lambda name, size: mount(Path(name), "-t", "tmpfs", "-o", f"size={size}", "tmpfs")
