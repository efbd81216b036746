"""Threads: their number is a flag, and they do not spin for long while another program has the core."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import torch

from inkwash.errors import UsageError
from inkwash.hardware import devices

PROGRAM = "import os, inkwash; print(os.environ.get('GOMP_SPINCOUNT'))"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, "10000"),
        ({"GOMP_SPINCOUNT": "7"}, "7"),
        ({"OMP_WAIT_POLICY": "active"}, "None"),
    ],
    ids=["default", "own spin count", "own policy"],
)
def test_spin_count_is_set_unless_the_environment_does(given: dict[str, str], expected: str) -> None:
    inherited = {name: value for name, value in os.environ.items() if name not in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")}
    finished = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=inherited | given, capture_output=True, text=True, check=True
    )
    assert finished.stdout.strip() == expected


def test_torch_is_not_loaded_before_the_spin_count_is_set() -> None:
    program = "import sys, inkwash; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_configure_sets_the_number_of_threads() -> None:
    before = torch.get_num_threads()
    try:
        devices.configure(3)
        assert torch.get_num_threads() == 3
        devices.configure()
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)
    with pytest.raises(UsageError) as error:
        devices.configure(0)
    assert (error.value.code, error.value.field) == ("out-of-range", "threads")
