"""Two hosts, as network namespaces of this machine: when their link is cut both end in time, and the run resumes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from fault_injection import TRAIN, assert_same_checkpoint, environment, step

HOSTS = {"inkwash-a": "10.77.0.1", "inkwash-b": "10.77.0.2"}
PORT = 29517
TIMEOUT = 300.0
GRACE = 10.0
"""Seconds for a launcher to end after its worker; torchrun's own waits longer for its store."""


def ip(*words: str) -> bool:
    """Run `ip` and return whether it succeeded."""
    return subprocess.run(["ip", *words], capture_output=True, check=False).returncode == 0


def set_link(state: str) -> None:
    for name in HOSTS:
        assert ip("-n", name, "link", "set", "ink0", state)


@pytest.fixture
def network() -> Iterator[None]:
    """Two network namespaces and a link between them."""
    first, second = HOSTS
    if os.geteuid() or not shutil.which("ip") or not ip("netns", "add", first):
        pytest.skip("only root can make network namespaces, by the command ip")
    try:
        assert ip("netns", "add", second)
        assert ip("link", "add", "ink0", "netns", first, "type", "veth", "peer", "name", "ink0", "netns", second)
        for name, address in HOSTS.items():
            assert ip("-n", name, "addr", "add", f"{address}/24", "dev", "ink0")
            assert ip("-n", name, "link", "set", "lo", "up")
        set_link("up")
        yield
    finally:
        for name in HOSTS:
            ip("netns", "del", name)


class Hosts:
    """The launchers of one command, one on each host; their standard error is in files."""

    def __init__(self, words: list[str], timeout: float, stack: ExitStack) -> None:
        self.errors = [Path(f"{words[-1]}-{name}.err") for name in HOSTS]
        meeting = f"{next(iter(HOSTS.values()))}:{PORT}"
        given = environment(GLOO_SOCKET_IFNAME="ink0", INKWASH_PATIENCE=str(timeout))
        self.launchers = []
        for (name, address), error in zip(HOSTS.items(), self.errors, strict=True):
            # a namespace does not find its own address by name, so that the host of the store is named
            flags = ["--nnodes=2", "--nproc-per-node=1", "--rdzv-backend=c10d", f"--rdzv-endpoint={meeting}"]
            flags += [f"--rdzv-id={words[-1]}", f"--local-addr={address}"]
            flags += [f"--rdzv-conf=is_host={str(meeting.startswith(address + ':')).lower()}"]
            torchrun = [sys.executable, "-m", "torch.distributed.run", *flags, "-m", "inkwash", *words]
            command = ["ip", "netns", "exec", name, *torchrun]
            written = stack.enter_context(error.open("w"))
            self.launchers.append(subprocess.Popen(command, env=given, stdout=subprocess.DEVNULL, stderr=written))
            stack.callback(self.launchers[-1].kill)

    def running(self) -> bool:
        return all(each.poll() is None for each in self.launchers)

    def messages(self) -> list[list[str]]:
        """Return the error lines of inkwash on each host."""
        return [[line for line in file.read_text().splitlines() if line.startswith("inkwash:")] for file in self.errors]

    def codes(self, timeout: float) -> list[int]:
        """Return the exit codes; a launcher that still runs after `timeout` seconds is killed."""
        found = []
        for each in self.launchers:
            try:
                found.append(each.wait(timeout))
            except subprocess.TimeoutExpired:
                each.kill()
                found.append(each.wait())
        return found


@pytest.mark.root
@pytest.mark.slow
@pytest.mark.usefixtures("network")
def test_a_cut_link_ends_both_hosts_and_the_run_resumes(long: bool) -> None:
    steps, timeout = (400, 15.0) if long else (60, 5.0)
    words = [*TRAIN, "--steps", str(steps), "--out"]
    with ExitStack() as stack:
        assert Hosts([*words, "calm"], timeout, stack).codes(TIMEOUT) == [0, 0]
        hosts = Hosts([*words, "cut"], timeout, stack)
        while step(Path("cut")) < steps // 2 and hosts.running():
            time.sleep(0.02)
        set_link("down")
        since = time.monotonic()
        while not all(hosts.messages()) and time.monotonic() - since < TIMEOUT:
            time.sleep(0.1)
        assert time.monotonic() - since < timeout + GRACE
        assert all(hosts.codes(GRACE))
        assert [len(each) for each in hosts.messages()] == [1, 1]
        set_link("up")
        assert Hosts(["train", "--quiet", "cut"], timeout, stack).codes(TIMEOUT) == [0, 0]
    assert_same_checkpoint(Path("calm"), Path("cut"))
