"""Docstrings as autodoc needs them: those of inkwash are plain text with `code`, and indented blocks are code."""

from __future__ import annotations

import re
from typing import Any

from sphinx.application import Sphinx

from inkwash.config.registry_sections import RegistryName


def to_restructuredtext(lines: list[str]) -> list[str]:
    """Return the lines of a docstring with code as literals, and with characters of markup escaped elsewhere."""
    made: list[str] = []
    in_block = False
    for line in lines:
        indented = line.startswith("    ")
        starts_block = indented and not in_block and (not made or not made[-1])
        in_block = starts_block or (in_block and (indented or not line))
        if starts_block:
            made += [".. code-block:: text", ""]
        made.append(line if in_block else _escaped(line))
        if line and not indented:
            in_block = False
    return made


def _escaped(line: str) -> str:
    parts = re.split(r"(`[^`]+`)", line)
    return "".join(f"`{part}`" if part.startswith("`") else re.sub(r"([*|_\\])", r"\\\1", part) for part in parts)


def _process(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    # A network without a docstring of its forward would have that of torch, and a protocol's call that of type.
    inherited = (name.endswith(".forward") and not obj.__doc__) or lines[:1] == ["Call self as a function."]
    lines[:] = [] if inherited else to_restructuredtext(lines)


def _signature(
    app: Sphinx, what: str, name: str, obj: Any, options: Any, signature: str | None, returns: str | None
) -> tuple[str | None, str | None] | None:
    """Leave out the signature of a class that pydantic validates, as its fields follow below it; shorten names of types."""
    if what == "class" and hasattr(obj, "__pydantic_fields__"):
        return "", None
    return tuple(part and re.sub(r"TypeAliasForwardRef\('(\w+)'\)", r"\1", part) for part in (signature, returns))  # type: ignore[return-value]


def _elsewhere(app: Sphinx, name: str, source: list[str]) -> None:
    """Point links to documents outside of docs/ to the pages that include them, and make notebooks downloads."""
    up = "../" * name.count("/")
    for path, page in app.config.pages_of_other_documents.items():
        source[0] = source[0].replace(f"]({up}../{path}", f"]({up}{page}")
    # A notebook outside of docs/ has no page.
    source[0] = re.sub(r"\[([^\]]+)\]\((\S+\.ipynb)\)", r"{download}`\1 <\2>`", source[0])


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect the hooks."""
    # In the type of a field, the names of a registry instead of its functions.
    RegistryName.__repr__ = lambda self: f"RegistryName({', '.join(self.table)})"  # type: ignore[method-assign]
    app.add_config_value("pages_of_other_documents", {}, "env")
    app.connect("autodoc-process-docstring", _process)
    app.connect("autodoc-process-signature", _signature)
    app.connect("source-read", _elsewhere)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
