"""Fixtures of the command-line tests: a way to call the command, and four tiny models that are trained once."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from command import run
from outcome import CheckError, CopyRun, Inkwash, Runs
from PIL import Image

from inkwash.evaluation import reference
from inkwash.metrics import extractor_training
from inkwash.runs import card

MESSAGES = Path(__file__).parents[1] / "golden" / "messages.json"
WRITE_MESSAGES = "INKWASH_WRITE_MESSAGES" in os.environ
HOSTILE = {
    "above": "../../escaped",
    "absolute": "{root}/escaped",
    "dots": "..",
    "control": "\x1b[31mescaped\x07\x9b",
    "markup": "[red]escaped[/red]<b>$x",
    "reserved": "CON",
    "long": "escaped" * 60,
    "null": "escaped\0",
}
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


@pytest.fixture
def plots() -> None:
    """Draw the plots of run folders, which other tests leave out."""


@pytest.fixture(autouse=True)
def few_plots(request: pytest.FixtureRequest) -> None:
    """Leave out the plots of run folders where a test does not ask for them."""
    if "plots" not in request.fixturenames:
        request.getfixturevalue("without_plots")


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
        "digits": ["digits", *SMALL, "--set", "optimizer.lr=1e-2"],
        "plain": [*plain, *beta],
        "bees": ["digits", "--data", str(root / "images"), *SMALL],
        "points": ["moons", "--set", "network.width=16", "--set", "network.depth=1", "--set", "training.batch=16"],
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, command in commands.items():
            assert run(["train", *command, *QUICK, "--out", str(root / name)]) == 0
            # those of one run are enough
            patch.setattr(card, "_draw_plots", lambda *_: None)
    return Runs(images=root / "images", **{name: root / name for name in commands})


@pytest.fixture
def copied(tmp_path: Path) -> CopyRun:
    """`copied(run)` is a copy of a run folder that the test may change."""
    return lambda run: Path(shutil.copytree(run, tmp_path / "run"))


@pytest.fixture(scope="session")
def extractors(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a cache with untrained feature extractors of the digits."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("INKWASH_CACHE", str(folder))
        patch.setattr(extractor_training, "train_classifier", lambda net, *_, **__: net.eval())
        reference.for_data("digits")
    return folder


@pytest.fixture
def place(tmp_path: Path, extractors: Path, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The folder `here` that commands run in, and `unchanged()`: no file outside of it has changed."""
    here = tmp_path / "a" / "b" / "here"
    here.mkdir(parents=True)
    monkeypatch.chdir(here)
    monkeypatch.setenv("INKWASH_CACHE", str(extractors))
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "latest.safetensors").write_bytes(b"mine")
    (tmp_path / "outside" / "notes").write_text("mine")

    def snapshot() -> dict[Path, bytes | None]:
        found = (path for path in tmp_path.rglob("*") if not path.is_relative_to(here))
        return {path: path.read_bytes() if path.is_file() else None for path in found}

    before = snapshot()

    def unchanged(*allowed: str) -> bool:
        unexpected = [path.name for path in here.iterdir() if path.name not in allowed]
        return not unexpected and snapshot() == before

    return SimpleNamespace(root=tmp_path, here=here, outside=tmp_path / "outside", unchanged=unchanged)


@pytest.fixture(params=HOSTILE)
def name(request: pytest.FixtureRequest, place: SimpleNamespace) -> str:
    """A hostile name."""
    return HOSTILE[request.param].replace("{root}", str(place.root))
