"""Two "hosts" on one machine: network namespaces, torchrun's rendezvous between them, and a cable that is cut (needs root).

    python benchmarks/hosts.py

A short run is trained by two hosts, undisturbed. Then once more, and in the middle of it the cable is cut: both sides must
say so in a bounded time, and what goes on from the last checkpoint must end as the undisturbed run did, to the last bit. It
fails where one of these is not so.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from cyclopts import App
from survive import RUN, differing, step

SPACES = {"inkwash-a": "10.77.0.1", "inkwash-b": "10.77.0.2"}
PORT = 29517
LONGEST = 300.0
GRACE = 10.0
app = App()


@app.default
def main(steps: int = 400, patience: float = 15.0) -> int:
    """Train for so many `steps`; a host that is silent for `patience` seconds is given up."""
    with TemporaryDirectory() as place, network():
        folder = Path(place)
        begin = ["train", "digits", "--steps", str(steps), *RUN, "--checkpoint-every", "20 steps", "--quiet", "--out"]
        codes, said, _ = together(folder, [*begin, "calm"], patience)
        if any(codes):
            sys.exit("\n".join(said))
        print(f"undisturbed: exit codes {codes}, step {step(folder / 'calm')} of {steps}")
        codes, said, waited = together(folder, [*begin, "cut"], patience, cut_at=steps // 2)
        print(f"cut at step {step(folder / 'cut')}: both said so within {waited:.0f} s; launchers' exit codes {codes}:")
        lines = [[line for line in text.splitlines() if line.startswith("inkwash:")] for text in said]
        print("\n".join(f"  {line}" for each in lines for line in each))
        failed = not (all(codes) and all(len(each) == 1 for each in lines) and waited < patience + GRACE)
        codes, _, _ = together(folder, ["train", "cut", "--quiet"], patience)
        apart = differing(folder / "calm", folder / "cut")
        print(f"gone on: exit codes {codes}, differing from the undisturbed run: {apart}")
        return int(failed or any(codes) or apart != "none")


@contextmanager
def network() -> Iterator[None]:
    """Two namespaces and a cable between them, removed at the end."""
    first, second = SPACES
    try:
        for name in SPACES:
            ip("netns", "add", name)
        ip("link", "add", "ink0", "netns", first, "type", "veth", "peer", "name", "ink0", "netns", second)
        for name, address in SPACES.items():
            ip("-n", name, "addr", "add", f"{address}/24", "dev", "ink0")
            cable(name, "up")
            ip("-n", name, "link", "set", "lo", "up")
        yield
    finally:
        for name in SPACES:
            subprocess.run(["ip", "netns", "del", name], check=False)


def together(
    folder: Path, words: list[str], patience: float, cut_at: int | None = None
) -> tuple[list[int], list[str], float]:
    """Run a command on both hosts; return exit codes, what each said, and the seconds from the cut to the last end."""
    first = next(iter(SPACES.values()))
    meeting = ["--nnodes=2", "--nproc-per-node=1", "--rdzv-backend=c10d", f"--rdzv-endpoint={first}:{PORT}"]
    environment = os.environ | {
        "GLOO_SOCKET_IFNAME": "ink0",
        "INKWASH_PATIENCE": str(patience),
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": str(Path(__file__).parent.parent / "src"),
    }
    torchrun = [sys.executable, "-m", "torch.distributed.run", *meeting, f"--rdzv-id={words[-1]}", "-m", "inkwash"]
    errors = [(folder / f"{name}.err").open("w+") for name in SPACES]
    hosts = [
        subprocess.Popen(
            # which of them hosts the meeting is told: by its name a namespace does not find its own address
            ["ip", "netns", "exec", name, *torchrun[:7], f"--local-addr={address}",
             f"--rdzv-conf=is_host={str(address == first).lower()}", *torchrun[7:], *words],
            cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=error,
        )
        for (name, address), error in zip(SPACES.items(), errors, strict=True)
    ]  # fmt: skip
    moment = time.monotonic()
    if cut_at is not None:
        while step(folder / words[-1]) < cut_at and all(host.poll() is None for host in hosts):
            time.sleep(0.02)
        for name in SPACES:
            cable(name, "down")
        moment = time.monotonic()
        while not all("inkwash:" in Path(error.name).read_text() for error in errors):
            if time.monotonic() - moment > LONGEST:
                break
            time.sleep(0.1)
    waited = time.monotonic() - moment
    codes = [ended(host, GRACE if cut_at is not None else LONGEST) for host in hosts]
    if cut_at is not None:
        for name in SPACES:
            cable(name, "up")
    said = []
    for error in errors:
        error.seek(0)
        said.append(error.read())
        error.close()
    return codes, said, waited


def ended(host: subprocess.Popen[bytes], seconds: float) -> int:
    """Return the exit code of a launcher, which is ended after so many seconds: torchrun's own waits on for its store."""
    try:
        return host.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        host.kill()
        return host.wait()


def cable(name: str, state: str) -> None:
    """Plug the cable of a host in ("up") or pull it out ("down")."""
    ip("-n", name, "link", "set", "ink0", state)


def ip(*words: str) -> None:
    """Run `ip`."""
    subprocess.run(["ip", *words], check=True)


if __name__ == "__main__":
    sys.exit(app())
