"""The JSON schema of validated values: how it is generated, and what it holds at the path of a field."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue


class Generator(GenerateJsonSchema):
    """Generates no titles for fields, and a schema that allows any value for types that JSON does not have."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def handle_invalid_for_json_schema(self, schema: Any, error_info: str) -> JsonSchemaValue:
        return {}


REGISTRIES: list[Mapping[str, object]] = []
"""The registries whose entries are part of a schema; they may grow at run time."""


def generate(adapter: TypeAdapter[Any]) -> JsonSchemaValue:
    """Return the schema of what `adapter` validates, with the current entries of the registries. Not to be modified."""
    return _generate(adapter, tuple(tuple(registry.items()) for registry in REGISTRIES))


@lru_cache(maxsize=32)
def _generate(adapter: TypeAdapter[Any], entries: tuple[tuple[tuple[str, object], ...], ...]) -> JsonSchemaValue:
    return adapter.json_schema(schema_generator=Generator)


def resolve_refs(root: JsonSchemaValue, node: JsonSchemaValue, value: Any = None) -> JsonSchemaValue:
    """Return `node` of the schema `root` without references and alternatives; null is never chosen.

    Of the sections of a table, the one whose `kind` is `value` or that of `value`.
    """
    if "$ref" in node:
        return resolve_refs(root, root["$defs"][node["$ref"].rpartition("/")[2]], value)
    choices = [resolve_refs(root, each, value) for each in node.get("anyOf") or node.get("oneOf") or []]
    choices = [each for each in choices if each.get("type") != "null"]
    kind: Any = value.get("kind") if isinstance(value, Mapping) else value
    named = [each for each in choices if kind and each.get("properties", {}).get("kind", {}).get("const") == kind]
    return next(iter(named or choices), node)


def child(root: JsonSchemaValue, node: JsonSchemaValue, key: str | int, value: Any) -> JsonSchemaValue:
    """Return the schema of the field or item `key` of `node`, whose value is `value`; an empty one where none is known."""
    if isinstance(key, str):
        return resolve_refs(root, node.get("properties", {}).get(key, {}), value)
    items = node.get("prefixItems", [])
    return resolve_refs(root, items[key] if key < len(items) else node.get("items") or {}, value)


def field_paths(root: JsonSchemaValue, values: Any, node: JsonSchemaValue | None = None) -> Iterator[str]:
    """Yield the paths of all fields below `node` of the schema `root`, with the options of the kinds in `values`."""
    for name in (root if node is None else node).get("properties", {}):
        value = values.get(name) if isinstance(values, Mapping) else None
        inner = child(root, root if node is None else node, name, value)
        below = list(field_paths(root, value, inner))
        yield from [f"{name}.{each}" for each in below] or [name]


def range_of(node: JsonSchemaValue) -> str:
    """Return the range of numbers that `node` allows, as in "at least 1", "from 1 to 9" or "in [0, 1)"."""
    low, above = node.get("minimum"), node.get("exclusiveMinimum")
    high, below = node.get("maximum"), node.get("exclusiveMaximum")
    if low is not None and high is not None:
        return f"from {low:,} to {high:,}"
    first, last = low if above is None else above, high if below is None else below
    if first is not None and last is not None:
        return f"in {'[' if above is None else '('}{first:,}, {last:,}{']' if below is None else ')'}"
    if first is not None:
        return f"at least {first:,}" if above is None else f"above {first:,}"
    return "finite" if last is None else f"at most {last:,}" if below is None else f"below {last:,}"
