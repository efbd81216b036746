"""The machine, versions and commit that a run or a measurement was made with."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import torch

from inkwash.hardware import devices


def describe_environment(device: torch.device, code: str) -> dict[str, Any]:
    """Return the machine with `device`, the versions and the commit (`code`) of this process."""
    from inkwash import __version__

    return devices.environment_info(device) | {"inkwash": __version__, "commit": code}


def commit() -> str:
    """Return the commit of the imported inkwash, with a plus for uncommitted changes, "" outside a checkout."""
    here = Path(__file__).parent
    git = ["git", "-C", str(here)]
    try:
        inside = subprocess.run(
            [*git, "ls-files", "--error-unmatch", __file__], capture_output=True, text=True, timeout=10, check=False
        )
        if inside.returncode:
            return ""  # An installed copy inside another repository.
        described = subprocess.run(
            [*git, "describe", "--always", "--dirty=+", "--exclude=*"],
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return described.stdout.strip()
