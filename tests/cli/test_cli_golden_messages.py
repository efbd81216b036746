"""The golden wording of messages in tests/golden/messages.json belongs to the cases that are tested."""

from __future__ import annotations

import test_cli_errors
import test_cli_evaluate
import test_cli_recipe_changes


def test_every_golden_message_has_a_case(messages: dict[str, str]) -> None:
    cases = {
        *(command for command, _, _ in test_cli_errors.CASES),
        *(f"train --set {change}" for change, _, _ in test_cli_recipe_changes.CHANGES),
        *(f"show mine.toml: {text}" for text, _, _ in test_cli_recipe_changes.FILES),
        *(f"evaluate: {case}" for case in test_cli_evaluate.ERRORS),
        *(f"evaluate x.npz: {case}" for case in test_cli_evaluate.FILES),
    }
    assert not messages.keys() - cases
