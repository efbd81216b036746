"""The documents are true: what they tell you to run runs, and what they name is there."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
import torch

from inkwash import cli, core, data, nets, objectives

ROOT = Path(__file__).parents[2]
TABLES = (
    core.SCHEDULES,
    core.WARPS,
    core.DENSITIES,
    core.TARGETS,
    core.SAMPLERS,
    objectives.WEIGHTS,
    nets.NETS,
    data.DATASETS,
)


class Block(NamedTuple):
    """A fenced block of a document: its language, its text, its first line's number, and whether it is marked to run."""

    language: str
    text: str
    line: int
    runs: bool

    @property
    def file(self) -> str | None:
        """The file that the block is a part of, told by its first line."""
        named = re.match(r"# (\S+\.(py|toml))\n", self.text)
        return named[1] if named else None


def blocks(document: Path) -> list[Block]:
    text = document.read_text(encoding="utf-8")
    fences = re.finditer(r"(<!-- runs -->\n)?^```(\w+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [Block(m[2], m[3], text.count("\n", 0, m.start(3)) + 1, bool(m[1])) for m in fences]


@contextmanager
def own_tables() -> Iterator[None]:
    """Rows that are added inside are gone afterwards, as they are between two processes."""
    before = [dict(table) for table in TABLES]
    try:
        yield
    finally:
        for table, rows in zip(TABLES, before, strict=True):
            table.clear()
            table.update(rows)


def call(line: str) -> int:
    """Run one `inkwash ...` line and return its exit code."""
    with own_tables(), pytest.raises(SystemExit) as left:
        cli.main(shlex.split(line)[1:])
    return int(left.value.code or 0)


def test_extending_runs_from_top_to_bottom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.set_num_threads(1)
    document = ROOT / "docs" / "extending.md"
    namespace: dict[str, object] = {"__name__": "extending"}
    with own_tables():
        for block in blocks(document):
            if block.file:
                with Path(block.file).open("a", encoding="utf-8") as file:
                    file.write(block.text + "\n\n")
            if block.language == "python":
                exec(compile("\n" * (block.line - 1) + block.text, str(document), "exec", dont_inherit=True), namespace)
            if block.runs:
                for line in block.text.splitlines():
                    assert call(line) == 0, f"{document.name}: {line}"
