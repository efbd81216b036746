"""The JSON schema of recipe files, for editors: `python -m inkwash.config.recipe_json_schema > docs/recipe.schema.json`."""

from __future__ import annotations

import json
from typing import Any

from inkwash.config.recipe import Recipe
from inkwash.io import json_schema
from inkwash.io.validation import adapter


def of_recipe_files() -> dict[str, Any]:
    """Return the JSON schema (draft 2020-12) of recipe files, with the current entries of the registries."""
    root = json_schema.generate(adapter(Recipe))
    # The name of a recipe is by default that of its file.
    recipe = json_schema.child(root, root, 0, None) | {"title": "inkwash recipe", "required": ["network"]}
    return {"$schema": json_schema.Generator.schema_dialect} | recipe | {"$defs": root["$defs"]}


if __name__ == "__main__":
    print(json.dumps(of_recipe_files(), indent=1, ensure_ascii=False))
