"""The lessons and their code cells, as the tests of lessons and notebooks read them."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
LESSONS = sorted((ROOT / "docs" / "learn").glob("[0-9]*.md"))
CELL = re.compile(r"^```\{code-cell\}[^\n]*\n((?::[^\n]*\n)*)(.*?)^```$", re.MULTILINE | re.DOTALL)


def cells(lesson: Path) -> list[str]:
    """Return the sources of the code cells of a lesson."""
    return [match[2] for match in CELL.finditer(lesson.read_text(encoding="utf-8"))]
