"""Turn the errors of pydantic into a `UsageError` of one line, with the code and the path of the field."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import ErrorDetails, PydanticCustomError

from inkwash.errors import ErrorCode, UsageError, unknown_name
from inkwash.io import json_schema
from inkwash.text.printing import shortened

UNKNOWN_FIELD = ("extra_forbidden", "unexpected_keyword_argument")
OUT_OF_RANGE = ("greater_than", "greater_than_equal", "less_than", "less_than_equal", "finite_number")
WRONG_LENGTH = ("tuple_type", "too_long", "missing")
"""Types of pydantic's errors; "missing" of an item, which a list of fixed length lacks."""


def to_usage_error(
    error: ValidationError, adapter: TypeAdapter[Any], values: Any, section: str, prefix: tuple[int, ...] = ()
) -> UsageError:
    """Return the first fault in `error`, which `adapter` or a part of it at the location `prefix` found in `values`.

    `section` is the path of the values in messages.
    """
    # An unknown field is reported before a missing one, because a misspelt name causes both.
    details = min(error.errors(include_url=False), key=lambda each: each["type"] not in UNKNOWN_FIELD)
    root = json_schema.generate(adapter)
    location = [*prefix, *details["loc"]]
    node, parent = root, root
    for key in location:
        values = _item(values, key)
        node, parent = json_schema.child(root, node, key, values), node
    if details["type"] == "missing" and isinstance(location[-1], int):
        node = parent
    path = ".".join(filter(None, [section, *(key for key in location if isinstance(key, str))]))
    return _fault(details, path, node, parent)


def unknown(known: Iterable[str], rest: str = "") -> PydanticCustomError:
    """Return the error of a validator for a name that is none of `known`; the message ends with `rest`."""
    return PydanticCustomError("unknown_name", "unknown name", {"known": list(known), "rest": rest})


def missing(known: Iterable[str]) -> PydanticCustomError:
    """Return the error of a validator for a name that is missing and must be one of `known`."""
    return PydanticCustomError("missing", "missing name", {"known": sorted(known)})


def _fault(details: ErrorDetails, path: str, node: JsonSchemaValue, parent: JsonSchemaValue) -> UsageError:
    kind, context, value = details["type"], details.get("ctx", {}), details["input"]
    if kind == "refused":
        error = context["error"]
        where = "" if path in str(error) else f"{path}: "
        return UsageError(f"{where}{error}", code=error.code or "invalid-value", field=path)
    if kind in ("unknown_name", "literal_error"):
        error = unknown_name(path, str(value), context.get("known") or node["enum"])
        return UsageError(f"{error}{context.get('rest', '')}", code=error.code, field=path)
    if kind in UNKNOWN_FIELD:
        return _unknown_field(path, list(parent.get("properties", {})))
    if kind == "missing" and "prefixItems" not in node:
        remedy = f"known: {', '.join(context['known'])}" if "known" in context else "it has no default"
        return UsageError(f"field '{path}' is missing: {remedy}", code="missing-field", field=path)
    code: ErrorCode = context.get("code") or ("out-of-range" if kind in OUT_OF_RANGE else "invalid-value")
    return UsageError(
        f"field '{path}' is {shortened(repr(value))}: {_requirement(details, path, node)}", code=code, field=path
    )


def _unknown_field(path: str, known: list[str]) -> UsageError:
    section, dot, name = path.rpartition(".")
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"did you mean '{section}{dot}{near[0]}'? " if near else ""
    text = f"unknown field '{path}': {hint}{section or 'a recipe'} takes {', '.join(known) or 'nothing'}"
    return UsageError(text, code="unknown-field", field=path)


def _requirement(details: ErrorDetails, path: str, node: JsonSchemaValue) -> str:
    kind = details["type"]
    if kind in OUT_OF_RANGE:
        return f"it must be {json_schema.range_of(node)}"
    if kind in WRONG_LENGTH:
        count = f"of {len(node['prefixItems'])} values " if "prefixItems" in node else ""
        return f"it must be a list {count}in brackets"
    if kind in ("dataclass_type", "section_type"):
        return f"it must be a section [{path}]"
    if kind in ("bool_type", "bool_parsing"):
        return "it must be true or false"
    text = details["msg"].replace("Input should be", "it must be")
    return f"{text[0].lower()}{text[1:]}"


def _item(values: Any, key: str | int) -> Any:
    if isinstance(values, Mapping):
        return values.get(key)
    return values[key] if isinstance(values, list | tuple) and isinstance(key, int) and key < len(values) else None
