"""Fixtures of the export tests: Node.js to run modules of the page, which are skipped where it is missing."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

NODE = shutil.which("node")
ENGINE = Path(str(resources.files("inkwash.web") / "page" / "math"))


@pytest.fixture
def javascript(tmp_path: Path) -> Callable[..., Any]:
    """`javascript(code, given)` runs a module with `given` in it and returns its JSON; @ is the mathematics of the page."""
    if NODE is None:
        pytest.skip("the JavaScript engine is compared with Python in Node.js: apt install nodejs")

    def run(code: str, given: Any = None) -> Any:
        (tmp_path / "given.json").write_text(json.dumps(given))
        text = code.replace('"@/', f'"{ENGINE.as_uri()}/')
        reading = (
            'import { readFileSync } from "node:fs";\nconst given = JSON.parse(readFileSync("given.json", "utf8"));\n'
        )
        (tmp_path / "run.mjs").write_text(reading + text)
        done = subprocess.run([NODE, "run.mjs"], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run
