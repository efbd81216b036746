"""Help, and the first words that newcomers try."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest

from inkwash.cli import COMMANDS, synonyms


def test_help_lists_the_commands_without_importing_torch():
    program = (
        "import sys\n"
        "from inkwash.cli import main\n"
        "try:\n"
        "    main(['--help'])\n"
        "finally:\n"
        "    print(sorted({'torch', 'numpy', 'PIL', 'matplotlib'} & set(sys.modules)))\n"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    for command in COMMANDS:
        assert command in told.stdout
    assert told.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"]])
def test_nothing_and_help_are_the_same(arguments, inkwash):
    outcome = inkwash(*arguments)
    assert outcome.code == 0 and not outcome.err
    assert "inkwash COMMAND" in outcome.out and "train" in outcome.out and "First steps" in outcome.out


def test_the_version_is_that_of_the_package(inkwash):
    import inkwash as package

    assert inkwash("--version").out.strip() == package.__version__


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_a_command_has_two_worked_examples(command, inkwash):
    outcome = inkwash(command, "--help")
    assert outcome.code == 0
    text = " ".join(outcome.out.split())
    assert text.count(f"inkwash {command} ") >= 3, "the usage line and two examples of this command"


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_a_command_tells_every_flag(command, inkwash):
    from importlib import import_module

    out = inkwash(command, "--help").out
    function = getattr(import_module(f"inkwash.cli.{command}"), command)
    for name, parameter in inspect.signature(function).parameters.items():
        placed = parameter.kind in (parameter.POSITIONAL_ONLY, parameter.VAR_POSITIONAL)
        flag = name.upper() if placed else f"-{name.strip('_').replace('_', '-')}"
        assert flag in out
    assert "--empty-" not in out, "no flag that only the library wanted"


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("sample", ["at least 1", "[0, 1]", "0 or more", "1 to the T", "Default: 64", "auto, cpu, cuda or mps"]),
        (
            "train",
            ["at least 1", "above 0", "steps of one batch", "passes over the train set", "in pixels", "0 or more"],
        ),
    ],
)
def test_help_names_units_ranges_and_defaults(command, words, inkwash):
    text = " ".join(inkwash(command, "--help").out.replace("│", " ").split())
    for word in words:
        assert word in text


@pytest.mark.parametrize(
    ("word", "command"),
    [
        ("generate", "sample"),
        ("draw", "sample"),
        ("resume", "train"),
        ("fit", "train"),
        ("continue", "train"),
        ("list", "show"),
        ("ls", "show"),
        ("info", "show"),
        ("inspect", "show"),
    ],
)
def test_the_first_words_of_newcomers_are_answered_with_the_right_one(word, command, refused):
    assert f"'{word}'" in (complaint := refused(word, "digits"))
    assert f"'inkwash {command}'" in complaint


@pytest.mark.parametrize("word", synonyms.SPEED)
def test_words_for_speed_name_the_benchmark_script(word, refused):
    assert "python -m benchmarks.speed" in refused(word, "all")


def test_other_words_lead_to_commands_that_there_are():
    assert set(synonyms.COMMANDS.values()) <= set(COMMANDS) and not set(synonyms.COMMANDS) & set(COMMANDS)


@pytest.mark.parametrize(("word", "near"), [("sampel", "sample"), ("trian", "train"), ("shwo", "show")])
def test_a_command_misspelt_is_answered_with_the_nearest(word, near, refused):
    complaint = refused(word)
    assert word in complaint and near in complaint


def test_a_command_that_there_is_not_is_answered_with_all(refused):
    complaint = refused("frobnicate")
    for command in COMMANDS:
        assert command in complaint


def test_a_command_without_its_thing_asks_for_it(refused):
    assert "train" in refused("train")


@pytest.mark.parametrize(
    "arguments", [["show", "--jsn"], ["show", "moons", "--size=3"], ["train", "digits", "--verbose"]]
)
def test_an_unknown_flag_is_refused(arguments, refused):
    assert arguments[-1].partition("=")[0] in refused(*arguments)
