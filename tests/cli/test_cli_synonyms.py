"""Options and values of other programs: every equivalent that a message suggests is valid here."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from cyclopts import UnknownOptionError
from outcome import Inkwash, Runs

from inkwash import cli
from inkwash.attributes.lexicon import LEXICON
from inkwash.cli.synonyms import OPTIONS
from inkwash.config import recipe
from inkwash.core import SAMPLERS, SCHEDULES, TARGETS
from inkwash.data import DATASETS
from inkwash.objectives import WEIGHTS
from inkwash.text import synonyms

FIRST = {
    "train": "digits",
    "sample": "digits",
    "evaluate": "digits",
    "export": "digits",
    "lab": "guidance",
}


@pytest.mark.parametrize("command", OPTIONS)
def test_synonyms_are_no_options_and_their_equivalents_are(command: str) -> None:
    first = [FIRST[command]] if command in FIRST else []
    cli.app.parse_args([command, *first], exit_on_error=False, print_error=False)
    for flag, replacement in OPTIONS[command].items():
        with pytest.raises(UnknownOptionError):
            cli.app.parse_args([command, *first, f"{flag}=1"], exit_on_error=False, print_error=False)
        if replacement.startswith("--") or replacement.startswith("-n "):
            words = shlex.split(replacement.partition(",")[0].replace("{}", "1"))
            cli.app.parse_args([command, *first, *words], exit_on_error=False, print_error=False)
        else:
            assert replacement.startswith(f"inkwash {command} ")


@pytest.mark.parametrize(
    "replacement", sorted({text for text in OPTIONS["train"].values() if text.startswith("--set ")})
)
def test_every_suggested_field_exists(replacement: str) -> None:
    change = replacement.removeprefix("--set ")
    values = {"optimizer.kind": "adam", "schedule.kind": "linear", "target": "v", "network.kind": "simple-unet"}
    name = change.partition("=")[0]
    value = values.get(name, "float32" if name == "training.precision" else "0.5" if "dropout" in name else "100")
    conditional = "network.conditional=true"
    changed = recipe.load("ddim-300").with_changes([conditional, change.replace("{}", value)])
    assert changed != recipe.load("ddim-300")


@pytest.mark.parametrize(
    ("kind", "table"),
    [
        ("sampler", SAMPLERS),
        ("target", TARGETS),
        ("schedule", SCHEDULES),
        ("weight", WEIGHTS),
        ("data set", DATASETS),
        ("word", LEXICON),
    ],
)
def test_suggested_values_exist_and_no_valid_value_is_a_synonym(kind: str, table: Mapping[str, Any]) -> None:
    assert set(synonyms.VALUES[kind].values()) <= set(table)
    assert not set(synonyms.VALUES[kind]) & set(table)


def test_guidance_of_zero_ignores_the_label(runs: Runs, inkwash: Inkwash) -> None:
    flags = ("-n", 4, "--sampler", "ddim:2", "--quiet")
    for name, label in (("three", 3), ("seven", 7)):
        assert inkwash("sample", runs.digits, *flags, "--label", label, "-w", 0, "-o", f"{name}.npz").code == 0
    three, seven = (np.load(f"{name}.npz")["images"] for name in ("three", "seven"))
    assert np.array_equal(three, seven)
