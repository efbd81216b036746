"""A notebook for every lesson, made from its page: what the page shows by directives becomes Markdown and code."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from source_listing import source_of

if TYPE_CHECKING:
    from sphinx.application import Sphinx

FENCE = re.compile(r"^(`{3,}|:{3,})\{([\w-]+)\} ?([^\n]*)\n(.*?)^\1$\n?", re.MULTILINE | re.DOTALL)
INTRODUCTION = (
    "*Made from the page of the lesson. In a clone of inkwash: `make setup`, then `.venv/bin/pip install jupyterlab`, and open "
    "this file with `.venv/bin/jupyter lab`.*\n"
)
SOLUTION = "*The next cell is a solution. Jupyter hides it: a click on its dots shows it.*\n"


def cells(text: str) -> Iterator[tuple[str, str]]:
    """Yield the kind, "code", "hidden" code or "markdown", and the source of every cell of a lesson."""
    text = re.sub(r"\A---\n.*?\n---\n", "", text, flags=re.DOTALL)
    position = 0
    for fence in FENCE.finditer(text):
        if fence[2] == "code-cell":
            yield "markdown", text[position : fence.start()]
            if "Show a solution" in fence[4]:
                yield "markdown", SOLUTION
            yield "hidden" if ":tags: [hide-" in fence[4] else "code", re.sub(r"\A(:[\w-]+:[^\n]*\n)+\n?", "", fence[4])
            position = fence.end()
    yield "markdown", text[position:]


def plain(text: str) -> str:
    """Return Markdown in which a directive is a quotation, a source listing or nothing, and a role is its text."""

    def directive(fence: re.Match[str]) -> str:
        name, argument, body = fence[2], fence[3], re.sub(r"\A(:[\w-]+:[^\n]*\n)+\n?", "", fence[4])
        if name == "source-of":
            source, file, line = source_of(argument)
            return f"`{argument}`, {file}, line {line}:\n\n```python\n{source}```\n"
        if name == "include":
            return _excerpt(argument, fence[4])
        if name in ("toctree", "notebook"):
            return ""
        quoted = "".join(f"> {line}\n" for line in plain(body).splitlines())
        return f"> **{argument or name.title()}**\n>\n{quoted}"

    text = FENCE.sub(directive, re.sub(r"^\{download\}.*\n", "", text, flags=re.MULTILINE))
    text = re.sub(r"\{[\w:-]+\}`([^`<]*?) ?(?:<[^`]*>)?`", r"`\1`", text)
    # A link to another page of the site has no target beside a notebook.
    return re.sub(r"\[([^\]]*)\]\((?!https?:)[^)]*\)", r"\1", text)


def _excerpt(path: str, options: str) -> str:
    """Return the part of a document that an include directive in a lesson shows."""
    text = (Path(__file__).parents[1] / "learn" / path).read_text(encoding="utf-8")
    limits = dict(re.findall(r'^:(start-after|end-before): "(.*)"$', options, re.MULTILINE))
    return text.partition(limits["start-after"])[2].partition(limits["end-before"])[0].strip() + "\n"


def notebook(text: str) -> dict[str, Any]:
    """Return the notebook of a lesson, without outputs, in format 4.5."""
    made: list[dict[str, Any]] = []
    for kind, source in [("markdown", INTRODUCTION), *cells(text)]:
        source = (plain(source) if kind == "markdown" else source).strip("\n")
        if not source:
            continue
        cell: dict[str, Any] = {"id": f"cell-{len(made)}", "source": source}
        if kind == "markdown":
            made.append(cell | {"cell_type": "markdown", "metadata": {}})
        else:
            metadata = {"jupyter": {"source_hidden": True}} if kind == "hidden" else {}
            made.append(cell | {"cell_type": "code", "metadata": metadata, "execution_count": None, "outputs": []})
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return {"cells": made, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}


def write(app: Sphinx) -> None:
    """Write the notebook of every lesson beside the generated pages, for the downloads, where it has changed."""
    folder = Path(app.srcdir) / "learn" / "notebooks"
    folder.mkdir(exist_ok=True)
    lessons = sorted((Path(app.srcdir) / "learn").glob("[0-9]*.md"))
    for path in folder.glob("*.ipynb"):
        if path.stem not in {lesson.stem for lesson in lessons}:
            path.unlink()
    for lesson in lessons:
        text = json.dumps(notebook(lesson.read_text(encoding="utf-8")), indent=1, ensure_ascii=False) + "\n"
        path = folder / f"{lesson.stem}.ipynb"
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    """Write the notebooks before the documents are read."""
    app.connect("builder-inited", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
