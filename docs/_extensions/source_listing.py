"""The source of a Python object by its name, as the lessons and their notebooks show it."""

from __future__ import annotations

import ast
import inspect
import pkgutil
import textwrap
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


def source_of(name: str) -> tuple[str, str, int]:
    """Return the source of the object called `name`, its file relative to the root, and the number of its first line.

    The docstring is left out, as the reference shows it. Raises `ImportError` or `AttributeError` for an unknown name.
    """
    found = inspect.unwrap(pkgutil.resolve_name(name))
    found = found.fget if isinstance(found, property) else found
    lines, first = inspect.getsourcelines(found)
    file = Path(inspect.getsourcefile(found) or "").resolve().relative_to(ROOT)
    return _without_docstring(textwrap.dedent("".join(lines))), file.as_posix(), first


def _without_docstring(source: str) -> str:
    node: Any = ast.parse(source).body[0]
    statement = node.body[0]
    if not (isinstance(statement, ast.Expr) and isinstance(getattr(statement.value, "value", None), str)):
        return source
    if len(node.body) == 1:
        return source
    lines = source.splitlines()
    del lines[statement.lineno - 1 : statement.end_lineno]
    return "\n".join(line for line in lines).rstrip() + "\n"
