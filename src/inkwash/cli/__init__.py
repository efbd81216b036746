"""The command line: one module per command; an error is one line, with exit code 2 for usage and 1 for failure."""

from __future__ import annotations

import gc
import os
import sys
import time
from collections.abc import Sequence
from typing import NoReturn

from cyclopts import App, CycloptsError

from inkwash import __version__
from inkwash.cli import synonyms
from inkwash.cli.errors import inkwash_error, one_line
from inkwash.cli.examples import EXAMPLES
from inkwash.errors import InkwashError, UsageError, is_main_process
from inkwash.text.printing import print

app = App(
    name="inkwash",
    help="Train, sample and evaluate diffusion models of small images (MNIST-size), on a laptop in minutes.",
    version=__version__,
    result_action="return_value",
    suppress_keyboard_interrupt=False,
    help_epilogue="First steps:\n\ninkwash sample --label 0-9 -o digits.png\n\ninkwash train digits --minutes 1",
)
COMMANDS = {
    "train": "Train a recipe into a new run folder, or resume a run folder.",
    "sample": "Sample from a model: a grid, a strip, a film, arrays or single images; or reproduce an image.",
    "serve": "Open the playground in a browser: sample, write, edit, compare and understand.",
    "export": "Write a model as ONNX, for diffusers, or as a page that samples in the browser without a server.",
    "evaluate": "Measure the quality of a model or a file of images against real ones, or compare several.",
    "lab": "Test a claim by an experiment: list the experiments, or run one from training to verdict.",
    "show": "List recipes and models, or describe one, a run, a checkpoint or a data set.",
}
for command, summary in COMMANDS.items():
    # Give a dotted path, so that torch is imported by the command that runs and not by --help.
    app.command(
        f"inkwash.cli.{command}:{command}",
        name=command,
        help=summary,
        help_epilogue="\n\n".join(("Examples:", *EXAMPLES[command])),
    )

MULTIPROCESS = ("train", "sample", "evaluate", "lab")
"""Commands with `--processes`."""
EXIT_DELAY = 5.0
"""Seconds that a worker waits before it exits with an error of the request, which all processes find: the launcher
ends all processes when one exits, and the main process must have printed the error by then."""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit with 0, 1 for a failure, 2 for a usage error, or 130 when interrupted.

    An error is printed in one line on stderr, and is the cause of the `SystemExit`.
    """
    if arguments is None:
        # The process runs this command only. While modules are imported nothing is garbage, and each collection would
        # traverse the objects of torch; `devices.configure` ends the pause.
        gc.disable()
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code = run(arguments)
    except BrokenPipeError as error:
        raise SystemExit(1) from error
    except KeyboardInterrupt as error:
        if is_main_process():
            print("inkwash: interrupted", file=sys.stderr)
        raise SystemExit(130) from error
    except Exception as error:
        if os.environ.get("INKWASH_DEBUG") and not isinstance(error, InkwashError | CycloptsError):
            raise
        found = inkwash_error(error, arguments)
        if isinstance(found, UsageError) and not is_main_process():
            time.sleep(EXIT_DELAY)
        else:
            print(f"inkwash: {one_line(found)}", file=sys.stderr)
        raise SystemExit(found.exit_code) from found
    sys.exit(code)


def run(arguments: list[str]) -> int:
    """Run a command in this process, or in several with `--processes`, and return its exit code."""
    # Before parsing, which answers --version and --help after any word.
    if arguments and (message := synonyms.command_suggestion(arguments[0])):
        raise UsageError(message, code="unknown-field", field=arguments[0])
    count, arguments = _split_processes(arguments)
    if count is not None:
        # An error of parsing is raised before the processes are started.
        app.parse_args(arguments, exit_on_error=False, print_error=False)
        from inkwash.distributed.launch import launch

        return launch(count, arguments)
    code = app(arguments or ["--help"], exit_on_error=False, print_error=False)
    return code if isinstance(code, int) else 0


def _split_processes(arguments: list[str]) -> tuple[int | None, list[str]]:
    """Return the value of `--processes`, None where it is not given, and the arguments without it.

    The command itself has no such option, because its arguments are passed on to each process.
    """
    flag = "--processes"
    at = next((k for k, word in enumerate(arguments) if word == flag or word.startswith(f"{flag}=")), None)
    if at is None or arguments[0] not in MULTIPROCESS:
        return None, arguments
    _, equals, text = arguments[at].partition("=")
    rest = arguments[at + 1 :] if equals else arguments[at + 2 :]
    if not equals:
        text = "".join(arguments[at + 1 : at + 2])
    try:
        return int(text), [*arguments[:at], *rest]
    except ValueError:
        text = f"{flag} {text}: give an integer, as in {flag} 2"
        raise UsageError(text, code="invalid-value", field="processes") from None
