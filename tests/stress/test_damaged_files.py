"""A damaged file of any kind is refused in one line, or read as it was written, or as a data set with another hash."""

from __future__ import annotations

import io
import warnings
from collections import Counter
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
from command import run
from file_fixtures import KINDS, Contents, ReadableFile, idx
from hypothesis import given, settings
from hypothesis import strategies as st

from inkwash.errors import InkwashError

COMMAND_EVERY = 10
"""One of so many damaged files is also read by the command."""

Damage = tuple[str, float, int]


@st.composite
def damages(draw: st.DrawFn) -> Damage:
    """Return a cut or a flipped bit: the kind, the place as a fraction of the file from either end, and the bit."""
    return draw(st.sampled_from(["cut", "flip", "flip"])), draw(st.floats(-1, 1)), draw(st.integers(0, 7))


def damaged(content: bytes, damage: Damage) -> bytes:
    """Return the content cut short, or with one bit flipped."""
    kind, fraction, bit = damage
    # headers and tables of contents lie at the ends: most places are near one
    place = int(fraction**5 * (len(content) - 1)) % len(content)
    if kind == "cut":
        return content[:place]
    return content[:place] + bytes([content[place] ^ 1 << bit]) + content[place + 1 :]


def outcome_of(file: ReadableFile, before: Contents) -> str:
    """Read a damaged file and return what became of it; asserts that its content is not trusted wrongly."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            after = file.read()
    except InkwashError as error:
        assert len(str(error).splitlines()) == 1
        return "refused"
    except (ValueError, TypeError):
        # Readers of internal files compute the content again.
        assert file.command is None
        return "refused"
    if after == before:
        return "unchanged"
    if file.checksum:
        assert after.keys() < before.keys() and all(after[name] == before[name] for name in after)
        return "refused"
    assert after["hash"] != before["hash"]
    return "another data set"


def assert_command_agrees(file: ReadableFile, outcome: str) -> None:
    """Assert that the command for the file ends in order, with one line where it fails."""
    assert file.command is not None
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err), warnings.catch_warnings():
        warnings.simplefilter("always")
        code = run(list(file.command))
    lines = [line for line in err.getvalue().splitlines() if not line.startswith("warning: ")]
    assert code in ((1, 2) if outcome == "refused" else (0, 1, 2)) and len(lines) == (code != 0), err.getvalue()
    assert "inkwash: unexpected" not in err.getvalue() and "Traceback" not in err.getvalue() + out.getvalue()


def outcomes(file: ReadableFile, examples: int) -> Counter[str]:
    """Damage a file so many times, each time from its valid content, and count the outcomes."""
    content, before, found = file.file.read_bytes(), file.read(), Counter[str]()

    @settings(max_examples=examples)
    @given(damages())
    def check(damage: Damage) -> None:
        file.file.parent.mkdir(exist_ok=True)
        file.file.write_bytes(damaged(content, damage))
        outcome = outcome_of(file, before)
        found[outcome] += 1
        if file.command is not None and found.total() % COMMAND_EVERY == 0:
            assert_command_agrees(file, outcome)

    check()
    file.file.write_bytes(content)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_file_is_never_trusted(kind: str, tmp_path: Path, long: bool) -> None:
    place = tmp_path / "files"
    place.mkdir()
    for file in KINDS[kind](place):
        # a damaged part of the sample cache is sampled again
        assert outcomes(file, 1000 if long else 40)["refused"] or file.kind == "sample cache", file.kind


def test_a_run_refuses_to_resume_on_data_with_one_changed_bit(tmp_path: Path) -> None:
    images = next(iter(idx(tmp_path)))
    words = ["--data", str(images.given), "--quiet"]
    small = ["--set", "network.widths=[8]", "--set", "network.dim=8", "--set", "sampling.preview=ddim:1"]
    assert run(["train", "digits", *words, *small, "--steps", "1", "--out", "run"]) == 0
    content = images.file.read_bytes()
    images.file.write_bytes(damaged(content, ("flip", 0.9, 0)))
    assert run(["train", "run", *words, "--steps", "2"]) == 1


@pytest.mark.parametrize("checksum", [True, False])
def test_trusted_damage_fails_the_check(checksum: bool, tmp_path: Path) -> None:
    read = {"value": 2} if checksum else {"value": 2, "hash": 1}
    file = ReadableFile("a file", tmp_path / "file", lambda: read, checksum=checksum)
    with pytest.raises(AssertionError):
        outcome_of(file, {"value": 1, "hash": 1})
