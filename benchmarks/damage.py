"""Damage a file of every kind and see that nobody believes it: python benchmarks/damage.py.

Each file that inkwash reads back is cut short at 50 places, and single bits of it are flipped: one of every byte where it
is small, all eight at its beginning and its end, else at 200 places. Reading it, by the loader and by the command that a
user would give, must end in one line or in what was written. What another program wrote without a checksum may read as
another set: then its hash must be another one, which a run remembers and refuses to go on with.
"""

from __future__ import annotations

import io
import os
import random
import sys
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from cyclopts import App
from specimens import Specimen, all_of

from inkwash.cli import run
from inkwash.errors import InkwashError

CUTS = 50
SMALL = 1500
"""Bytes of a file up to which one bit of every byte is flipped."""
ENDS = 100
"""Bytes at either end of a file of which all eight bits are: there lie headers and tables of contents."""
TINY = ["--set", "network.widths=[8]", "--set", "network.dim=8", "--set", "training.batch=4"]
app = App()


class HarmedError(Exception):
    """A damaged file was believed, or told of in another way than in one line."""


@app.default
def main(flips: int = 200, commands: int = 10, only: str = "", seed: int = 0) -> int:
    """Damage a file of every kind whose name holds `only`, flipping bits at so many places of a large one.

    The loader reads each, the command every so many of them (`commands`).
    """
    torch.set_num_threads(1)
    failures = 0
    with TemporaryDirectory() as place:
        os.environ["INKWASH_CACHE"], os.environ["COLUMNS"] = str(Path(place) / "cache"), "200"
        os.environ.pop("INKWASH_DATA", None)
        os.chdir(place)
        for specimen in all_of(Path(place) / "files"):
            if only not in specimen.kind:
                continue
            try:
                found = damaged(specimen, flips, ENDS, random.Random(seed), commands)
                apart = refused_by_a_run(specimen) if found["another set"] and specimen.given else ""
                told = ", ".join(f"{found[each]:,} {each}" for each in ("refused", "as before", "another set"))
                print(f"{specimen.kind}: {found.total():,} tried, {told}{apart}", flush=True)
            except HarmedError as error:
                failures += 1
                print(f"{specimen.kind}: FAILED: {error}", flush=True)
    return int(failures > 0)


def damaged(
    specimen: Specimen, flips: int, ends: int, chance: random.Random, commands: int = 1, small: int = SMALL
) -> Counter[str]:
    """Damage a file again and again and count what became of it; every so many times (`commands`) by its command too.

    Raises `HarmedError` for the first harm.
    """
    whole, before, found = specimen.file.read_bytes(), specimen.read(), Counter[str]()
    for turn, (what, content) in enumerate(damages(whole, flips, ends, chance, small)):
        specimen.file.parent.mkdir(exist_ok=True)
        specimen.file.write_bytes(content)
        outcome = _read(specimen, before, what)
        found[outcome] += 1
        if specimen.command is not None and turn % commands == 0:
            _commanded(specimen, outcome, what)
    specimen.file.write_bytes(whole)
    return found


def damages(
    whole: bytes, flips: int, ends: int, chance: random.Random, small: int = SMALL
) -> Iterator[tuple[str, bytes]]:
    """Yield what is done to a file, in words, and what is left of it."""
    for share in range(CUTS):
        length = share * len(whole) // CUTS
        yield f"cut to {length} of {len(whole)} bytes", whole[:length]
    places = range(len(whole)) if len(whole) <= max(small, flips) else chance.sample(range(len(whole)), flips)
    single = {(place, place % 8) for place in places}
    single |= {(k % len(whole), bit) for k in range(-ends, ends) if -len(whole) <= k < len(whole) for bit in range(8)}
    for place, bit in sorted(single):
        content = bytearray(whole)
        content[place] ^= 1 << bit
        yield f"bit {bit} of byte {place} of {len(whole)} flipped", bytes(content)


def _read(specimen: Specimen, before: dict, what: str) -> str:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # they are heard where the command is run
            after = specimen.read()
    except InkwashError as error:
        if len(str(error).splitlines()) != 1:
            raise HarmedError(f"{what}: {str(error)!r} is not one line") from None
        return "refused"
    except (ValueError, TypeError) as error:
        if specimen.command is None:
            return "refused"  # those who read it measure it anew
        raise HarmedError(f"{what}: {error!r}") from error
    except Exception as error:
        raise HarmedError(f"{what}: {error!r}") from error
    if after == before:
        return "as before"
    if specimen.own:
        if after.keys() < before.keys() and all(after[name] == before[name] for name in after):
            return "refused"  # in part: what is left is as it was
        raise HarmedError(f"{what}: read as something else, and nothing was said")
    if after["hash"] == before["hash"]:
        raise HarmedError(f"{what}: other content under the same hash")
    return "another set"


def _commanded(specimen: Specimen, outcome: str, what: str) -> None:
    assert specimen.command is not None
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err), warnings.catch_warnings():
        warnings.simplefilter("always")
        code = run(list(specimen.command))
    lines = [line for line in err.getvalue().splitlines() if not line.startswith("warning, ")]
    wrong = "inkwash: unexpected" in err.getvalue() or "Traceback" in err.getvalue() + out.getvalue()
    if wrong or len(lines) != (code != 0) or code not in ((1, 2) if outcome == "refused" else (0, 1, 2)):
        raise HarmedError(f"{what}: {' '.join(specimen.command[:1])} left with {code}, saying {err.getvalue()!r}")


def refused_by_a_run(specimen: Specimen) -> str:
    """Train a step on a set, and try to go on with it on the damaged one. Raises `HarmedError` when that is not refused."""
    whole, before = specimen.file.read_bytes(), specimen.read()
    if "values" not in before or len(before["values"][0]) < 3:
        return ""
    out = Path("runs") / specimen.kind.replace(" ", "-").replace("/", "-")
    quiet = ["--quiet", "--set", "sampling.preview=ddim:1"]
    begin = ["train", "digits", "--data", str(specimen.given), *TINY, *quiet, "--steps", "1", "--out", str(out)]
    if run(begin) != 0:
        raise HarmedError("a run on the whole set failed")
    for what, content in damages(whole, 200, 0, random.Random(1)):
        specimen.file.write_bytes(content)
        if _read(specimen, before, what) != "another set" or specimen.read()["hash"][0] == before["hash"][0]:
            continue
        err = io.StringIO()
        with redirect_stderr(err):
            code = run(["train", str(out), "--data", str(specimen.given), "--steps", "2", "--quiet"])
        if code != 1 or "was trained on" not in err.getvalue():
            raise HarmedError(f"{what}: a run went on with it, leaving with {code}, saying {err.getvalue()!r}")
        specimen.file.write_bytes(whole)
        return "; a run refuses to go on with that"
    specimen.file.write_bytes(whole)
    return ""


if __name__ == "__main__":
    sys.exit(app())
