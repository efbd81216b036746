"""From a table of a TOML file to the arguments of a constructor, checked by name and by type."""

from __future__ import annotations

import difflib
import inspect
import typing
from collections.abc import Callable, Collection, Mapping
from dataclasses import is_dataclass
from datetime import date, time
from typing import Any

from inkwash.errors import UnknownFieldError, UsageError, unknown_name

LONGEST = 200
"""Characters of a wrong value that an error shows."""


def bind(
    constructor: Callable[..., Any], values: Mapping[str, Any], where: str, derived: Collection[str] = ()
) -> dict[str, Any]:
    """Return all arguments of `constructor`, from `values` and its defaults, except the `derived` ones.

    `where` is the section's name for errors. Raises `UsageError` for a key that the constructor does not take
    (naming the nearest one), a value of another type, and a missing one.
    """
    signature = inspect.signature(constructor)
    hinted = constructor.__init__ if inspect.isclass(constructor) else constructor  # type: ignore[misc]
    hints = typing.get_type_hints(hinted)
    fields = {name: each for name, each in signature.parameters.items() if name not in derived}
    for key in values:
        if key not in fields:
            near = difflib.get_close_matches(key, fields, n=1, cutoff=0.5)
            hint = f"did you mean '{_path(where, near[0])}'? " if near else ""
            known = ", ".join(fields) or "nothing"
            path = _path(where, key)
            raise UnknownFieldError(path, f"unknown field '{path}': {hint}{where or 'a recipe'} takes {known}")
    bound = {}
    for name, parameter in fields.items():
        if name not in values:
            if parameter.default is inspect.Parameter.empty:
                raise UsageError(f"field '{_path(where, name)}' is missing: it has no default")
            bound[name] = parameter.default
            continue
        bound[name] = _checked(values[name], hints.get(name, Any), _path(where, name))
    return bound


def build(table: Mapping[str, Callable[..., Any]], values: Mapping[str, Any] | str, where: str) -> Any:
    """Return the object of a section whose `kind` names a row of `table` and whose other keys are its arguments.

    A word alone is a kind without options. Raises `UsageError` for an unknown kind, and as `bind` does.
    """
    if not isinstance(values, str | Mapping):
        raise UsageError(f"field '{where}' is {values!r}: it must be a kind, or a section of its own, [{where}]")
    rest = {"kind": values} if isinstance(values, str) else dict(values)
    kind = rest.pop("kind", None)
    if kind is None:
        raise UsageError(f"field '{where}.kind' is missing: known: {', '.join(sorted(table))}")
    kind = str(kind)
    if str(kind) not in table:
        raise unknown_name(f"{where}.kind", kind, table)
    return table[kind](**bind(table[kind], rest, where))


def kind_of(table: Mapping[str, Callable[..., Any]], thing: Any) -> str:
    """Return the name of the row of `table` that makes things like this one; the class's own name where none does."""
    return next((name for name, constructor in table.items() if constructor is type(thing)), type(thing).__name__)


def _checked(value: Any, hint: Any, field: str) -> Any:
    if not isinstance(value, bool | int | float | str | list | tuple | Mapping | date | time | None):
        return value  # a section that was built before
    if is_dataclass(hint):
        raise UsageError(f"field '{field}' is {shown(value)}: it must be a section of its own, [{field}]")
    parts = typing.get_args(hint) if typing.get_origin(hint) is tuple else (...,)
    if ... not in parts and not (isinstance(value, list | tuple) and len(value) == len(parts)):
        raise UsageError(f"field '{field}' is {shown(value)}: it must be a list of {len(parts)} values in brackets")
    from pydantic import ConfigDict, TypeAdapter, ValidationError

    try:
        return TypeAdapter(hint, config=ConfigDict(arbitrary_types_allowed=True)).validate_python(value)
    except ValidationError as error:
        said = error.errors()[0]["msg"]
        raise UsageError(f"field '{field}' is {shown(value)}: {said[0].lower()}{said[1:]}") from None


def shown(value: Any) -> str:
    """Return a wrong value as an error shows it, a long one cut."""
    text = repr(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _path(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key
