"""The notebook of each lesson has the cells of its page, is readable without the site, and runs."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from lesson_cells import CELL, LESSONS, ROOT, cells

import inkwash

Notebooks = dict[Path, dict[str, Any]]
CONVERT = """
import json, sys
from pathlib import Path
from notebooks import notebook
json.dump([notebook(Path(path).read_text(encoding="utf-8")) for path in sys.argv[1:]], sys.stdout)
"""


@pytest.fixture(scope="module")
def notebooks() -> Notebooks:
    """The notebook of each lesson, converted as for the site, which needs no Sphinx."""
    # In a process of its own, because the checks of shapes in these tests replace the functions whose source is shown.
    found = os.pathsep.join([str(ROOT / "src"), str(ROOT / "docs" / "_extensions")])
    done = subprocess.run(
        [sys.executable, "-c", CONVERT, *map(str, LESSONS)],
        env=os.environ | {"PYTHONPATH": found},
        stdout=subprocess.PIPE,
        check=True,
    )
    return dict(zip(LESSONS, json.loads(done.stdout), strict=True))


def sources(notebook: dict[str, Any], kind: str) -> list[str]:
    return [cell["source"] for cell in notebook["cells"] if cell["cell_type"] == kind]


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_a_notebook_has_the_cells_of_its_page(lesson: Path, notebooks: Notebooks) -> None:
    notebook = notebooks[lesson]
    nbformat = pytest.importorskip("nbformat")
    nbformat.validate(notebook)
    assert sources(notebook, "code") == [source.strip("\n") for source in cells(lesson)]
    assert f"{{download}}`Notebook of this lesson <notebooks/{lesson.stem}.ipynb>`" in lesson.read_text(
        encoding="utf-8"
    )
    # The solution comes last, is hidden, and has a line that says so.
    last = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"][-1]
    assert last["metadata"] == {"jupyter": {"source_hidden": True}}
    assert "The next cell is a solution" in notebook["cells"][notebook["cells"].index(last) - 1]["source"]


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_the_text_of_a_notebook_shows_what_directives_show_on_the_page(lesson: Path, notebooks: Notebooks) -> None:
    page = lesson.read_text(encoding="utf-8")
    text = "\n".join(sources(notebooks[lesson], "markdown"))
    left = re.findall(r"^(?:`{3,}|:{3,})\{.*|^:::.*|\{[\w:-]+\}`.*|^:[\w-]+: .*|\]\((?!https?:).*", text, re.MULTILINE)
    assert not left
    for title in re.findall(r"^:::\{admonition\} (.*)$", page, re.MULTILINE):
        assert f"> **{title}**" in text
    for name in re.findall(r"^```\{source-of\} (\S+)$", page, re.MULTILINE):
        assert re.search(rf"^`{re.escape(name)}`, src/\S+\.py, line \d+:\n\n```python\n", text, re.MULTILINE), name
    quoted = re.sub(r"^> ?", "", text, flags=re.MULTILINE)
    for path in re.findall(r"^```\{include\} (\S+)$", page, re.MULTILINE):
        card = (lesson.parent / path).read_text(encoding="utf-8")
        verdict = card.partition("## Verdict")[2].partition("## Configuration")[0].strip()
        assert verdict and verdict in quoted
    for heading in re.findall(r"^#+ .*$", CELL.sub("", page), re.MULTILINE):
        assert f"\n{heading}\n" in f"\n{text}\n"


@pytest.mark.slow
def test_the_notebook_of_lesson_1_runs_in_a_kernel(
    notebooks: Notebooks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    pytest.importorskip("ipykernel")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("PYTHONPATH", str(Path(inkwash.__file__).parents[1]))
    notebook = nbformat.from_dict(notebooks[LESSONS[0]])
    client = nbclient.NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    )
    client.execute()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert sum("image/png" in output.get("data", {}) for output in outputs) == 2
    verdicts = [output["data"]["text/plain"] for output in outputs if output["output_type"] == "execute_result"]
    start, solution = verdicts[-2:]
    assert start.startswith("Not yet: ") and solution.startswith("Right: ")
