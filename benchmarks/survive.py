"""Kill a run a hundred times at random moments and see that nothing is lost: python benchmarks/survive.py --kills 100.

A short run on the bundled digits is killed with SIGKILL, also in the middle of writing a checkpoint, and gone on with. After
every kill each checkpoint in its folder must be whole; at the end every number must be that of a run that nobody
disturbed. With `--processes` it is torchrun that starts the workers anew, of which one is killed.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from cyclopts import App

from inkwash.errors import InkwashError
from inkwash.io import checkpoints

RUN = ["--set", "network.widths=[8,16]", "--set", "training.batch=16", "--set", "sampling.preview=ddim:2"]
OFTEN = ["--checkpoint-every", "2 steps", "--set", 'training.milestones=["every 50 steps"]', "--keep", "2"]
app = App()


@app.default
def main(kills: int = 100, steps: int = 1200, longest: float = 0.6, processes: int = 1, seed: int = 0) -> None:
    """Kill a run of `steps` as often as that, up to so many seconds after its first step of a session."""
    chance, inside, ended = random.Random(seed), 0, 0
    with TemporaryDirectory() as place:
        folder = Path(place)
        begin = ["train", "digits", "--steps", str(steps), *RUN, *OFTEN, "--json", "--out"]
        subprocess.run([*command(1), *begin, "calm"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        words, hit = [*begin, "hit"], folder / "hit"
        if processes > 1:
            restarts(folder, [*begin, "shared"], kills, processes, longest, chance)
            apart = differing(folder / "calm2", folder / "shared") if (folder / "calm2").exists() else None
            print(
                f"{kills} workers killed under torchrun, {processes} processes: differing from an undisturbed run: {apart}"
            )
            return
        for count in range(1, kills + 1):
            with subprocess.Popen([*command(1), *words], cwd=folder, stdout=subprocess.PIPE, text=True) as run:
                assert run.stdout is not None
                first = run.stdout.readline()
                time.sleep(chance.uniform(0, longest))
                run.send_signal(signal.SIGKILL)
                ended += not first
            words = ["train", "hit", "--json"] if (hit / "recipe.toml").is_file() else words
            inside += any(hit.glob("checkpoints/.*.safetensors"))
            broken = unreadable(hit)
            if broken:
                sys.exit(f"kill {count}: {broken[0]}")
            print(f"\rkill {count} of {kills}, at step {step(hit)} of {steps}", end="", file=sys.stderr, flush=True)
        print(file=sys.stderr)
        subprocess.run([*command(1), "train", "hit", "--json"], cwd=folder, check=False, stdout=subprocess.DEVNULL)
        print(
            f"{kills} kills, {inside} of them while a checkpoint was written, {ended} before the first step; no unreadable "
            f"file; at step {step(hit)} of {steps}, differing from the undisturbed run: {differing(folder / 'calm', hit)}"
        )


def restarts(folder: Path, words: list[str], kills: int, processes: int, longest: float, chance: random.Random) -> None:
    """Run twice under torchrun, undisturbed as calm2 and with as many workers killed as `words` says where."""
    calm = [*words[:-1], "calm2"]
    subprocess.run([*command(processes), *calm], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    agent = subprocess.Popen([*command(processes, kills), *words], cwd=folder, stdout=subprocess.DEVNULL)
    latest = folder / words[-1]
    for _ in range(kills):
        before = step(latest)
        while step(latest) <= before and agent.poll() is None:
            time.sleep(0.05)
        time.sleep(chance.uniform(0, longest))
        workers = children(agent.pid)
        if agent.poll() is not None or not workers:
            break
        os.kill(chance.choice(workers), signal.SIGKILL)
    if agent.wait():
        sys.exit(f"torchrun left with {agent.returncode}")


def command(processes: int, most: int = 0) -> list[str]:
    """Return how inkwash is started."""
    torchrun = [
        "-m",
        "torch.distributed.run",
        "--standalone",
        f"--nproc-per-node={processes}",
        f"--max-restarts={most}",
    ]
    return [sys.executable, *([] if processes == 1 else torchrun), "-m", "inkwash"]


def step(run: Path) -> int:
    """Return the step of the latest checkpoint, 0 where there is none yet."""
    latest = run / "checkpoints" / "latest.safetensors"
    return int(checkpoints.header(latest)["progress"]["step"]) if latest.is_file() else 0


def unreadable(run: Path) -> list[str]:
    """Return what is wrong with the checkpoints of a run."""
    found = []
    for path in run.glob("checkpoints/[!.]*.safetensors"):
        try:
            checkpoints.load(path)
        except InkwashError as error:
            found.append(str(error))
    return found


def differing(calm: Path, hit: Path) -> str:
    """Return which numbers of the latest checkpoints are not the same, to the last bit."""
    one, other = (checkpoints.load(run / "checkpoints" / "latest.safetensors") for run in (calm, hit))
    names = [name for name in one.tensors if not torch.equal(one.tensors[name], other.tensors[name])]
    return ", ".join(names) or ("none" if one.header == other.header else "the header alone")


def children(pid: int) -> list[int]:
    """Return the processes of inkwash that `pid` started."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(status.read_text().rpartition(")")[2].split()[1])
            if parent == pid and b"inkwash" in (status.parent / "cmdline").read_bytes():
                found.append(int(status.parent.name))
        except (OSError, ValueError, IndexError):
            continue
    return found


if __name__ == "__main__":
    app()
