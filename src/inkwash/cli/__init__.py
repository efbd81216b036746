"""The command line: one file a command; errors are one line, exit code 2 for usage and 1 for failure."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from typing import NoReturn

from cyclopts import (
    App,
    CycloptsError,
    MissingArgumentError,
    UnknownCommandError,
    UnknownOptionError,
    UnusedCliTokensError,
)

from inkwash import __version__
from inkwash.cli import synonyms
from inkwash.errors import InkwashError, UsageError, is_main_process
from inkwash.hardware import memory
from inkwash.text.printing import print, shortened

app = App(
    name="inkwash",
    help="Train, sample, measure and explain diffusion models of small images (MNIST-size), on a laptop in minutes.",
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
EXAMPLES = {
    "train": (
        "inkwash train fast --data ../mnist --minutes 3",
        "inkwash train runs/simple-unet-1 --epochs 4",
    ),
    "sample": (
        "inkwash sample --label 0-9 -o digits.png",
        "inkwash sample cfg-cosine --label 7 --guidance 2 -o sevens.png",
        "inkwash sample ddim-300 --sampler ddim:50 --film -n 16 -o film.png",
        "inkwash sample --label 3..8 --seed 5 --film",
        "inkwash sample --from drawing.png --noise 0.5 --label 7 -n 16",
        "inkwash sample digits.png",
    ),
    "serve": (
        "inkwash serve --open",
        "inkwash serve runs/fast-1 --port 8080",
    ),
    "export": (
        "inkwash export --to web -o out/page",
        "inkwash export runs/fast-1 --to onnx -o mine.onnx",
    ),
    "evaluate": (
        "inkwash evaluate fast -n 1000 --report out/quality",
        "inkwash evaluate cfg-cosine ddim-300 --sampler ddim:20,dpm++2m:10 -n 1000",
        "inkwash evaluate mine.npz",
    ),
    "lab": (
        "inkwash lab",
        "inkwash lab steps-vs-quality -n 1000",
        "inkwash lab schedules --data ../mnist --length '5 minutes'",
    ),
    "show": ("inkwash show ddpm-bn", "inkwash show runs/simple-unet-1", "inkwash show --json"),
}
for command, summary in COMMANDS.items():
    # a dotted path, so that torch is imported by the command that runs and not by --help
    app.command(
        f"inkwash.cli.{command}:{command}",
        name=command,
        help=summary,
        help_epilogue="\n\n".join(("Examples:", *EXAMPLES[command])),
    )

OTHER_WORDS = {
    "generate": "sample",
    "draw": "sample",
    "resume": "train",
    "continue": "train",
    "fit": "train",
    "eval": "evaluate",
    "measure": "evaluate",
    "score": "evaluate",
    "compare": "evaluate",
    "fid": "evaluate",
    "experiment": "lab",
    "experiments": "lab",
    "test": "lab",
    "play": "serve",
    "playground": "serve",
    "web": "serve",
    "ui": "serve",
    "list": "show",
    "ls": "show",
    "info": "show",
    "inspect": "show",
}
"""First words that newcomers try, and the command they mean."""

SPEED_WORDS = ("bench", "benchmark", "speed", "time", "profile")
"""First words that mean the measurement of speed, which is a script of the repository."""


MULTIPROCESS = ("train", "sample", "evaluate", "lab")
"""Commands with `--processes`."""
GRACE = 5.0
"""Seconds that a worker waits before it exits with an error of the request, which all processes find: the launcher
ends all processes when one exits, and the main process must have printed the error by then."""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit with 0, 1 for a failure, 2 for a usage error, or 130 when interrupted.

    An error is printed in one line on stderr, and is the cause of the `SystemExit`.
    """
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
        fault = _inkwash_error(error, arguments)
        if isinstance(error, InkwashError | CycloptsError) and isinstance(fault, UsageError) and not is_main_process():
            time.sleep(GRACE)
        else:
            print(f"inkwash: {_one_line(fault)}", file=sys.stderr)
        raise SystemExit(fault.exit_code) from fault
    sys.exit(code)


def run(arguments: list[str]) -> int:
    """Run a command in this process, or in several with `--processes`, and return its exit code."""
    if arguments and arguments[0] in OTHER_WORDS:
        text = f"there is no command '{arguments[0]}': it is 'inkwash {OTHER_WORDS[arguments[0]]}'"
        raise UsageError(text, code="unknown-field", field=arguments[0])
    if arguments and arguments[0] in SPEED_WORDS:
        text = f"there is no command '{arguments[0]}': run 'python -m benchmarks.speed all' in a checkout of inkwash"
        raise UsageError(text, code="unknown-field", field=arguments[0])
    count, arguments = _split_processes(arguments)
    if count is not None:
        # an error of parsing is raised before the processes are started
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
        text = f"{flag} {text}: give a whole number, as in {flag} 2"
        raise UsageError(text, code="invalid-value", field="processes") from None


def _inkwash_error(error: Exception, arguments: list[str]) -> InkwashError:
    """Return the error to print for any exception of a command."""
    if isinstance(error, InkwashError):
        return error
    if isinstance(error, CycloptsError):
        return _parsing_error(error, arguments)
    text = _one_line(error) or "no message"
    if memory.exhausted(error):
        return InkwashError(
            f"out of memory ({text}): ask for less, by --batch, -n, --size or a smaller network", code="too-large"
        )
    if isinstance(error, OSError) and error.filename is not None:
        path = shortened(os.fsdecode(error.filename))
        return InkwashError(f"{path}: {error.strerror}; check the path and its permissions", code="io")
    return InkwashError(f"unexpected {type(error).__name__}: {text}; INKWASH_DEBUG=1 shows where, please report it")


def _parsing_error(error: CycloptsError, arguments: list[str]) -> UsageError:
    """Return the usage error for arguments that cannot be parsed, with the option that another program's one is here."""
    hint = "('inkwash --help' and 'inkwash COMMAND --help' list commands and options)"
    if isinstance(error, UnknownOptionError | UnknownCommandError | UnusedCliTokensError):
        text = synonyms.instead(arguments) if isinstance(error, UnknownOptionError) else None
        field = next(iter(error.unused_tokens or ()), "").lstrip("-")
        return UsageError(text or f"{_one_line(error)} {hint}", code="unknown-field", field=field)
    field = error.argument.name.strip("-") if error.argument else None
    missing = isinstance(error, MissingArgumentError)
    return UsageError(f"{_one_line(error)} {hint}", code="missing-field" if missing else "invalid-value", field=field)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
