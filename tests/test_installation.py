"""The installed package is found from every working directory, the clone's parent folder included."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[1]
PROGRAM = "import inkwash; print(inkwash.__file__, callable(inkwash.load))"


@pytest.mark.parametrize("place", ["foreign", "parent of the clone"])
def test_import_finds_the_installed_package(place, tmp_path):
    if place == "parent of the clone":
        # A notebook beside a clone that is called inkwash: the clone must not be taken for a namespace package.
        (tmp_path / "inkwash").symlink_to(CHECKOUT, target_is_directory=True)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    finished = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    file, has_load = finished.stdout.split()
    assert Path(file).name == "__init__.py"
    assert has_load == "True"
