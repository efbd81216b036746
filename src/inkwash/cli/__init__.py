"""The command line: one file a command; errors are one line, exit code 2 for usage and 1 for failure."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence

from cyclopts import App, CycloptsError, UnknownOptionError

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


SHARED = ("train", "sample", "evaluate", "lab")
"""Commands that several processes can share."""
LINGER = 5.0
"""Seconds that another than the first process waits before it ends for what all of them find."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave the process with its exit code."""
    sys.exit(run(list(sys.argv[1:] if arguments is None else arguments)))


def run(arguments: list[str]) -> int:
    """Run the command line and return its exit code: 0, 1 for a failure, 2 for usage, 130 when interrupted."""
    try:
        if arguments and arguments[0] in OTHER_WORDS:
            raise UsageError(f"there is no command '{arguments[0]}': it is 'inkwash {OTHER_WORDS[arguments[0]]}'")
        if arguments and arguments[0] in SPEED_WORDS:
            raise UsageError(
                f"there is no command '{arguments[0]}': run 'python -m benchmarks.speed all' in a checkout of inkwash"
            )
        count, arguments = _processes(arguments)
        if count is not None:
            # what cannot be understood is said before there are several to say it
            app.parse_args(arguments, exit_on_error=False, print_error=False)
            from inkwash.distributed.launch import launch

            return launch(count, arguments)
        code = app(arguments or ["--help"], exit_on_error=False, print_error=False)
    except CycloptsError as error:
        instead = synonyms.instead(arguments) if isinstance(error, UnknownOptionError) else None
        hint = "('inkwash --help' and 'inkwash COMMAND --help' list commands and options)"
        return _complain(instead or f"{_one_line(error)} {hint}", 2) if is_main_process() else _quietly(2)
    except InkwashError as error:
        # Every process finds the same fault in the request: only the main process prints it.
        silent = isinstance(error, UsageError) and not is_main_process()
        return _quietly(error.exit_code) if silent else _complain(_one_line(error), error.exit_code)
    except KeyboardInterrupt:
        return _complain("interrupted", 130) if is_main_process() else 130
    except BrokenPipeError:
        return 1
    except Exception as error:
        if os.environ.get("INKWASH_DEBUG"):
            raise
        what = _one_line(error) or "no message"
        if memory.exhausted(error):
            return _complain(f"out of memory ({what}): ask for less, by --batch, -n, --size or a smaller network", 1)
        if isinstance(error, OSError) and error.filename is not None:
            # a path is looked at in many places, and the system may dislike any for reasons of its own
            named = os.fspath(error.filename)
            return _complain(f"{shortened(str(named))}: {error.strerror}; check the path and its permissions", 1)
        return _complain(f"unexpected {type(error).__name__}: {what}; INKWASH_DEBUG=1 shows where, please report it", 1)
    return code if isinstance(code, int) else 0


def _processes(arguments: list[str]) -> tuple[int | None, list[str]]:
    """Return how many processes a command is shared by, None where nothing is said of it, and the words without that.

    It is taken out here and not by the command, whose words go on to each process as they are.
    """
    flag = "--processes"
    at = next((k for k, word in enumerate(arguments) if word == flag or word.startswith(f"{flag}=")), None)
    if at is None or arguments[0] not in SHARED:
        return None, arguments
    _, equals, text = arguments[at].partition("=")
    rest = arguments[at + 1 :] if equals else arguments[at + 2 :]
    if not equals:
        text = "".join(arguments[at + 1 : at + 2])
    try:
        return int(text), [*arguments[:at], *rest]
    except ValueError:
        raise UsageError(f"{flag} {text}: give a whole number, as in {flag} 2") from None


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def _quietly(code: int) -> int:
    """Return `code` when the first process has had the time to say why: where one ends, the launcher ends all."""
    time.sleep(LINGER)
    return code


def _complain(text: str, code: int) -> int:
    print(f"inkwash: {text}", file=sys.stderr)
    return code
