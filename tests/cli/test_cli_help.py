"""The help texts of the command line."""

from __future__ import annotations

import inspect
import subprocess
import sys
from importlib import import_module

import pytest
from outcome import Inkwash

from inkwash import __version__
from inkwash.cli import COMMANDS, synonyms


def test_help_lists_the_commands_without_importing_torch() -> None:
    program = (
        "import sys\n"
        "from inkwash.cli import main\n"
        "try:\n"
        "    main(['--help'])\n"
        "finally:\n"
        "    print(sorted({'torch', 'numpy', 'PIL', 'matplotlib'} & set(sys.modules)))\n"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    for command in COMMANDS:
        assert command in found.stdout
    assert found.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"]])
def test_no_arguments_print_the_help(arguments: list[str], inkwash: Inkwash) -> None:
    outcome = inkwash(*arguments)
    assert outcome.code == 0 and not outcome.err
    assert "inkwash COMMAND" in outcome.out and "train" in outcome.out and "First steps" in outcome.out


def test_version_is_that_of_the_package(inkwash: Inkwash) -> None:
    assert inkwash("--version").out.strip() == __version__


@pytest.mark.parametrize("flag", ["--version", "--help"])
def test_flags_of_a_removed_command_are_answered_like_the_command(flag: str, inkwash: Inkwash) -> None:
    assert inkwash("bench", flag).kind == ("unknown-field", "bench")


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command_has_two_worked_examples(command: str, inkwash: Inkwash) -> None:
    outcome = inkwash(command, "--help")
    assert outcome.code == 0
    text = " ".join(outcome.out.split())
    assert text.count(f"inkwash {command} ") >= 3, "the usage line and two examples of this command"


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command_lists_every_flag(command: str, inkwash: Inkwash) -> None:
    out = inkwash(command, "--help").out
    function = getattr(import_module(f"inkwash.cli.{command}"), command)
    for name, parameter in inspect.signature(function).parameters.items():
        is_positional = parameter.kind in (parameter.POSITIONAL_ONLY, parameter.VAR_POSITIONAL)
        flag = name.upper() if is_positional else f"-{name.strip('_').replace('_', '-')}"
        assert flag in out
    assert "--empty-" not in out, "cyclopts adds such flags for lists unless they are disabled"


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (
            "sample",
            [
                "at least 1",
                "[0, 1]",
                "0 or more",
                "1 to the training timesteps",
                "Default: 64",
                "auto, cpu, cuda or mps",
            ],
        ),
        (
            "train",
            ["at least 1", "above 0", "steps of one batch", "passes over the train set", "in pixels", "0 or more"],
        ),
    ],
)
def test_help_names_units_ranges_and_defaults(command: str, words: list[str], inkwash: Inkwash) -> None:
    text = " ".join(inkwash(command, "--help").out.replace("│", " ").split())
    for word in words:
        assert word in text


def test_synonyms_of_commands_lead_to_commands() -> None:
    assert set(synonyms.COMMAND_SYNONYMS.values()) <= set(COMMANDS) and not set(synonyms.COMMAND_SYNONYMS) & set(
        COMMANDS
    )
