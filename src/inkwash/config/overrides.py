"""Changes of single fields of a recipe: `--set FIELD=VALUE`, and keyword arguments in Python."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from inkwash.config.registry_sections import SECTIONS
from inkwash.errors import UsageError, unknown_name
from inkwash.io import toml

OPTIONAL_SECTIONS = ("distillation", "attribute_loss", "schedule.warp", "sampling.schedule", "sampling.schedule.warp")
"""Sections that a recipe may lack; a change may create them."""


def parse_change(change: str) -> tuple[str, Any]:
    """Return path and value of a change such as "optimizer.lr=1e-3"; the value is read as TOML, else as a string."""
    path, equals, text = change.partition("=")
    if not equals:
        message = f"--set {change}: write FIELD=VALUE, as in optimizer.lr=1e-3"
        raise UsageError(message, code="invalid-value", field=path)
    try:
        return path.strip(), toml.parse(f"value = {text.strip()}")["value"]
    except ValueError:
        return path.strip(), text.strip()


def apply(values: dict[str, Any], path: str, value: Any) -> None:
    """Set the field at `path`, as in "optimizer.lr", of the plain `values` of a recipe.

    A new `kind` of a section keeps the options that it has as well. Raises `UsageError` for an unknown section.
    """
    *sections, key = path.split(".")
    table = values
    for depth, section in enumerate(sections):
        if isinstance(table.get(section), str) and section in SECTIONS:
            table[section] = {"kind": table[section]}
        if ".".join(sections[: depth + 1]) in OPTIONAL_SECTIONS and not isinstance(table.get(section), dict):
            table[section] = {}
        if not isinstance(table.get(section), dict):
            raise UsageError(str(unknown_name("field", path, _paths(values))), code="unknown-field", field=path)
        table = table[section]
    table[key] = value
    if key == "kind" and sections and sections[-1] in SECTIONS:
        for option in set(table) - SECTIONS[sections[-1]].fields(str(value)):
            del table[option]


def _paths(values: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _paths(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}"
