"""What the command-line tests share: a way to call the command, and four tiny models that are trained once."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from command import call, run
from PIL import Image

from inkwash.errors import InkwashError, UsageError

SMALL = ["--set", "network.widths=[8,16]", "--set", "network.dim=8", "--set", "training.batch=16"]
QUICK = ["--set", "sampling.preview=ddim:2", "--steps", "6", "--quiet"]


@dataclass(frozen=True)
class Outcome:
    """The result of one call of the command: its exit code, what it printed, and the error it ended with, if any."""

    code: int
    out: str
    err: str
    error: InkwashError | None = None

    @property
    def complaint(self) -> str:
        """The one line that says what went wrong, the last on stderr; there is no other and no traceback."""
        lines = self.err.strip().splitlines()
        assert [line for line in lines if line.startswith("inkwash: ")] == lines[-1:], self.err
        assert "Traceback" not in self.err + self.out
        assert not lines[-1].startswith("inkwash: unexpected"), lines[-1]
        return lines[-1].removeprefix("inkwash: ")


@pytest.fixture
def inkwash(capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """`inkwash("sample", run, "-n", 4)` calls the command in this process."""

    def invoke(*arguments: object) -> Outcome:
        capsys.readouterr()
        code, error = call([str(each) for each in arguments])
        return Outcome(code, *capsys.readouterr(), error)

    return invoke


@pytest.fixture
def refused(inkwash: Callable[..., Outcome]) -> Callable[..., str]:
    """`refused("sample", ...)` is the message of a usage error: exit code 2, and nothing else is printed."""

    def call(*arguments: object) -> str:
        outcome = inkwash(*arguments)
        assert outcome.code == 2 and isinstance(outcome.error, UsageError), outcome
        assert len(outcome.err.splitlines()) == 1
        assert not outcome.out
        return outcome.complaint

    return call


@pytest.fixture
def usage_error(inkwash: Callable[..., Outcome]) -> Callable[..., tuple[str, str | None]]:
    """`usage_error("sample", ...)` is (code, field) of the usage error that the command ends with."""

    def call(*arguments: object) -> tuple[str, str | None]:
        outcome = inkwash(*arguments)
        assert outcome.code == 2 and outcome.complaint and not outcome.out, outcome
        assert outcome.error is not None and outcome.error.code is not None, outcome
        return outcome.error.code, outcome.error.field

    return call


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """Run folders: `plain` (unlabelled, eps, T = 300), `digits` (ten classes), `bees` (ant and bee, 1 : 3), `points`.

    `pictures` is the folder of 240 pictures that `bees` was trained on.
    """
    root = tmp_path_factory.mktemp("trained")
    draw = np.random.default_rng(0)
    for name, count in (("ant", 60), ("bee", 180)):
        (root / "pictures" / name).mkdir(parents=True)
        for index in range(count):
            pixels = draw.integers(0, 256, (8, 8), dtype=np.uint8)
            Image.fromarray(pixels).save(root / "pictures" / name / f"{index}.png")
    plain = ["simple-unet", "--data", "digits", "--set", "network.base=4", "--set", "training.batch=16"]
    beta = ["--set", "schedule.T=300", "--set", "sampling.sampler=ddpm:300"]
    commands = {
        "plain": [*plain, *beta],
        "digits": ["digits", *SMALL, "--set", "optimizer.lr=1e-2"],
        "bees": ["digits", "--data", str(root / "pictures"), *SMALL],
        "points": ["moons", "--set", "network.width=16", "--set", "network.depth=1", "--set", "training.batch=16"],
    }
    for name, command in commands.items():
        assert run(["train", *command, *QUICK, "--out", str(root / name)]) == 0
    return SimpleNamespace(pictures=root / "pictures", **{name: root / name for name in commands})


@pytest.fixture
def copied(tmp_path: Path) -> Callable[[Path], Path]:
    """`copied(run)` is a copy of a run folder that the test may spoil."""
    return lambda run: Path(shutil.copytree(run, tmp_path / "run"))
