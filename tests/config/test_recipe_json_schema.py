"""The JSON schema of recipe files: what is published, and that it follows the tables."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch

from inkwash.config.recipe_json_schema import of_recipe_files
from inkwash.core import SCHEDULES, Schedule

FILE = Path(__file__).parents[2] / "docs" / "recipe.schema.json"


@dataclass(frozen=True)
class Bent(Schedule):
    """A straight path to a power."""

    power: float = 2.0

    def alpha_sigma(self, u: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return 1 - u**self.power, u**self.power


def without_descriptions(node: Any) -> Any:
    if isinstance(node, list):
        return [without_descriptions(each) for each in node]
    if not isinstance(node, dict):
        return node
    return {key: without_descriptions(each) for key, each in node.items() if key != "description"}


def test_the_published_schema_is_that_of_the_code() -> None:
    # Run `make schema` after a change of fields, ranges or tables.
    published = json.loads(FILE.read_text(encoding="utf-8"))
    assert without_descriptions(published) == without_descriptions(json.loads(json.dumps(of_recipe_files())))


def test_the_schema_has_ranges_choices_and_defaults() -> None:
    definitions = of_recipe_files()["$defs"]
    batch = definitions["TrainingConfig"]["properties"]["batch"]
    assert (batch["minimum"], batch["maximum"], batch["default"]) == (1, 1_000_000, 128)
    assert definitions["TrainingConfig"]["properties"]["precision"]["enum"] == ["auto", "float32", "bfloat16"]
    assert definitions["LinearSchedule"]["properties"]["T"]["default"] == 1000
    assert all(each.get("additionalProperties") is False for each in definitions.values() if each["type"] == "object")


def test_a_row_added_at_run_time_is_in_the_schema(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "BentSchedule" not in of_recipe_files()["$defs"]
    monkeypatch.setitem(SCHEDULES, "bent", Bent)
    schema = of_recipe_files()
    assert schema["$defs"]["BentSchedule"]["properties"]["power"] == {"default": 2.0, "type": "number"}
    words = schema["properties"]["schedule"]["anyOf"][0]["enum"]
    assert "bent" in words
