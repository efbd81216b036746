"""Fixtures of the command-line tests: a way to call the command, and four tiny models that are trained once."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from command import run
from outcome import CheckError, CopyRun, Inkwash, Runs
from PIL import Image

MESSAGES = Path(__file__).parents[1] / "golden" / "messages.json"
WRITE_MESSAGES = "INKWASH_WRITE_MESSAGES" in os.environ
SMALL = ["--set", "network.widths=[8,16]", "--set", "network.dim=8", "--set", "training.batch=16"]
QUICK = ["--set", "sampling.preview=ddim:2", "--steps", "6", "--quiet"]


@pytest.fixture(scope="session")
def messages() -> Iterator[dict[str, str]]:
    """The golden wording of messages by case; INKWASH_WRITE_MESSAGES=1 writes it anew instead of comparing it."""
    golden: dict[str, str] = json.loads(MESSAGES.read_text())
    yield golden
    if WRITE_MESSAGES:
        MESSAGES.write_text(json.dumps(dict(sorted(golden.items())), indent=1, ensure_ascii=False) + "\n")


@pytest.fixture
def check_error(inkwash: Inkwash, runs: Runs, messages: dict[str, str]) -> CheckError:
    def check(case: str, arguments: Sequence[object], code: str, field: str | None, exit_code: int = 2) -> None:
        outcome = inkwash(*arguments)
        assert (outcome.code, outcome.kind) == (exit_code, (code, field)), outcome.err
        assert len(outcome.err.splitlines()) == 1 and not outcome.out
        message = outcome.message.replace(f"{runs.plain.parent}/", "")
        # hashes of images depend on the version of Pillow
        message = re.sub(r"images \([0-9a-f]{12}\)", "images (…)", message)
        # amounts of memory depend on the machine
        message = re.sub(r"[\d.,]+ GB|machine has [\d.,]+", "… GB", message)
        message = re.sub(r"9{99,}", "99…", message)
        if WRITE_MESSAGES:
            messages[case] = message
        assert message == messages[case]

    return check


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    root = tmp_path_factory.mktemp("trained")
    rng = np.random.default_rng(0)
    for name, count in (("ant", 60), ("bee", 180)):
        (root / "images" / name).mkdir(parents=True)
        for index in range(count):
            pixels = rng.integers(0, 256, (8, 8), dtype=np.uint8)
            Image.fromarray(pixels).save(root / "images" / name / f"{index}.png")
    plain = ["simple-unet", "--data", "digits", "--set", "network.base=4", "--set", "training.batch=16"]
    beta = ["--set", "schedule.T=300", "--set", "sampling.sampler=ddpm:300"]
    commands = {
        "plain": [*plain, *beta],
        "digits": ["digits", *SMALL, "--set", "optimizer.lr=1e-2"],
        "bees": ["digits", "--data", str(root / "images"), *SMALL],
        "points": ["moons", "--set", "network.width=16", "--set", "network.depth=1", "--set", "training.batch=16"],
    }
    for name, command in commands.items():
        assert run(["train", *command, *QUICK, "--out", str(root / name)]) == 0
    return Runs(images=root / "images", **{name: root / name for name in commands})


@pytest.fixture
def copied(tmp_path: Path) -> CopyRun:
    """`copied(run)` is a copy of a run folder that the test may change."""
    return lambda run: Path(shutil.copytree(run, tmp_path / "run"))
