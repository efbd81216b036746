"""The installed package is found from every working directory, the clone's parent folder included."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[1]
PROGRAM = "import inkwash; print(inkwash.__file__, callable(inkwash.load))"


@pytest.mark.parametrize("folder", ["foreign", "parent of the clone"])
def test_import_finds_the_installed_package(folder: str, tmp_path: Path) -> None:
    if folder == "parent of the clone":
        # The clone, which may be called inkwash, must not be imported as a namespace package.
        (tmp_path / "inkwash").symlink_to(CHECKOUT, target_is_directory=True)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    finished = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    file, has_load = finished.stdout.split()
    assert Path(file).name == "__init__.py"
    assert has_load == "True"
