"""The pages of the reference that are generated from the code: command line, recipe fields and API.

They are written into docs/reference/generated before Sphinx reads the documents; a file that has not changed is left as
it is, so that Sphinx reads only what is new.
"""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

import inkwash
from inkwash.cli import app as command_line
from inkwash.cli.examples import EXAMPLES
from inkwash.config.recipe_json_schema import of_recipe_files
from inkwash.io import json_schema

APART = {"text", "web", "export", "cli", "api", "recipes", "models", "extractors", "__main__"}
"""Packages without a page: those that are used through commands, the page in the browser or `import inkwash`."""


def command_page() -> str:
    """Return the command line reference, with the examples of each command."""
    parts = ["# Command line", "Generated from the code of the commands: what `inkwash COMMAND --help` prints."]
    for name, examples in EXAMPLES.items():
        text = command_line[name].generate_docs(output_format="markdown", heading_level=2)
        text = text.replace("\n## ", "\n### ").replace(f"# {name}\n", f"# inkwash {name}\n", 1)
        parts += [text.strip(), "Examples:", "```bash\n" + "\n".join(examples) + "\n```"]
    return "\n\n".join(parts)


def recipe_page() -> str:
    """Return a table of the fields of recipes for each section, and for each kind of the sections that have kinds."""
    schema = of_recipe_files()
    parts = [
        "# Recipe fields",
        "Generated from the JSON schema that validates recipes. `inkwash train NAME --set SECTION.FIELD=VALUE` changes a "
        "field for one run. {download}`recipe.schema.json <../../recipe.schema.json>` gives editors completion and checks.",
        "## Top level",
        *_table(schema, schema),
    ]
    for name in schema["properties"]:
        sections = [each for each in _alternatives(schema, schema["properties"][name]) if "properties" in each]
        if sections:
            parts.append(f"## {name}")
        for section in sections:
            kind = section["properties"].get("kind", {}).get("const")
            parts += [f"### {name}: {kind}"] if kind else []
            parts += [_prose(section.get("description", "")), *_table(schema, section)]
    return "\n\n".join(parts)


def _alternatives(root: dict[str, Any], node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if "$ref" in node:
        yield from _alternatives(root, root["$defs"][node["$ref"].rpartition("/")[2]])
    elif "anyOf" in node or "oneOf" in node:
        for each in node.get("anyOf") or node["oneOf"]:
            yield from _alternatives(root, each)
    else:
        yield node


def _table(root: dict[str, Any], section: dict[str, Any]) -> Iterator[str]:
    fields = {name: field for name, field in section["properties"].items() if "const" not in field}
    if not fields:
        yield "No options."
        return
    rows = ["| field | type and range | default | meaning |", "|---|---|---|---|"]
    for name, field in fields.items():
        choices = list(_alternatives(root, field))
        kinds = " or ".join(dict.fromkeys(_kind(each) for each in choices))
        required = name in section.get("required", [])
        default = "required" if required else f"`{field['default']}`" if "default" in field else ""
        rows.append(f"| `{name}` | {kinds} | {default} | {_prose(field.get('description', ''))} |")
    yield "\n".join(rows)


def _kind(node: dict[str, Any]) -> str:
    if "enum" in node:
        return ", ".join(f"`{each}`" for each in node["enum"])
    if "properties" in node:
        return "section"
    if node.get("type") in ("integer", "number"):
        span = json_schema.range_of(node)
        return node["type"] + ("" if span == "finite" else f", {span}")
    if node.get("type") == "array" and "items" in node:
        return f"list of {_kind(node['items'])}"
    return {"null": "left out", "string": "text", "boolean": "true or false"}.get(
        str(node.get("type")), str(node.get("type", "any value"))
    )


def _prose(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("*", "\\*").replace("<", "&lt;").replace("_", "\\_")


def api_pages() -> Iterator[tuple[str, str]]:
    """Yield the name and text of one page for each package, of what `import inkwash` offers, and of the overview."""
    found = {module.name for module in pkgutil.iter_modules(inkwash.__path__)}
    packages = sorted(found - APART)
    rows = [f"| [{name}](api-{name}.md) | {_first_line(import_module(f'inkwash.{name}'))} |" for name in packages]
    toctree = ["```{toctree}", ":hidden:", "", "api-inkwash", *(f"api-{name}" for name in packages), "```"]
    yield (
        "api",
        "\n\n".join(
            [
                "# Python API",
                "Most programs need only [what `import inkwash` offers](api-inkwash.md). Shapes are written as jaxtyping does: "
                '`Float[Tensor, "batch *shape"]` is a tensor of floats with a batch axis and any others.',
                "\n".join(["| package | contains |", "|---|---|", *rows]),
                "\n".join(toctree),
            ]
        ),
    )
    yield "api-inkwash", "\n\n".join(["# inkwash", _public_names(), _automodule("inkwash.api")])
    for name in packages:
        modules = sorted(_modules(f"inkwash.{name}"))
        parts = [f"# inkwash.{name}"]
        for module in modules:
            title = [f"## {module}"] if len(modules) > 1 else []
            parts += [*title, _automodule(module)]
        yield f"api-{name}", "\n\n".join(parts)


def _public_names() -> str:
    """Return a table of what `import inkwash` offers, each with a link to its documentation."""
    rows = []
    for name in sorted(inkwash.__dir__(), key=str.casefold):
        found = getattr(inkwash, name)
        if (
            not name.startswith("_")
            and getattr(found, "__module__", "").startswith("inkwash.")
            and hasattr(found, "__qualname__")
        ):
            rows.append(f"| {{py:obj}}`{name} <{found.__module__}.{found.__qualname__}>` | {_first_line(found)} |")
    return "\n".join(["| name | meaning |", "|---|---|", *rows])


def _first_line(found: Any) -> str:
    return _prose((inspect.getdoc(found) or "").partition("\n\n")[0])


def _modules(name: str) -> Iterator[str]:
    module = import_module(name)
    yield name
    if hasattr(module, "__path__"):
        for each in pkgutil.walk_packages(module.__path__, f"{name}."):
            yield each.name


def _automodule(name: str) -> str:
    """Return the directive that documents what is defined in a module; names that it imports have their own place."""
    documented = inspect.getdoc(import_module(name)) or ""
    return f"```{{eval-rst}}\n.. automodule:: {name}\n   :ignore-module-all:\n```" if documented else ""


def write(app: Sphinx) -> None:
    """Write the pages that have changed."""
    folder = Path(app.srcdir) / "reference" / "generated"
    folder.mkdir(exist_ok=True)
    pages = {"command-line": command_page(), "recipes": recipe_page(), **dict(api_pages())}
    for path in folder.glob("*.md"):
        if path.stem not in pages:
            path.unlink()
    for name, text in pages.items():
        path = folder / f"{name}.md"
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    """Write the pages before the documents are read."""
    app.connect("builder-inited", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
