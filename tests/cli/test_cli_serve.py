"""`inkwash serve`: it refuses what would be unsafe or cannot be, and says where it listens."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import urllib.request

import pytest


@pytest.mark.parametrize(
    ("flags", "cause"),
    [
        (("--host", "0.0.0.0"), "give a --token"),
        (("--token", "short"), "at least 8"),
        (("--port", "70000"), "from 0 to 65535"),
        (("--at-once", "0"), "at least 1"),
        (("nothing",), "is not a run folder"),
    ],
)
def test_what_is_unsafe_or_cannot_be_is_refused(flags, cause, refused):
    assert cause in refused("serve", *flags)


def test_a_port_that_is_taken_is_said_in_one_line(inkwash):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        outcome = inkwash("serve", "--port", taken.getsockname()[1])
    assert outcome.code == 1 and "choose another --port" in outcome.complaint


def test_it_says_its_address_answers_there_and_ends_when_told():
    command = [sys.executable, "-m", "inkwash", "serve", "--port", "0", "--quiet"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ) as server:
        try:
            address = server.stdout.readline().strip()
            assert address.startswith("http://127.0.0.1:")
            with urllib.request.urlopen(address, timeout=20) as answer:
                assert b"<title>inkwash</title>" in answer.read()
            server.send_signal(signal.SIGINT)
            assert server.wait(20) == 0
            assert "Traceback" not in server.stderr.read()
        finally:
            server.kill()


def test_data_that_is_not_here_is_said_before_anything_starts(refused):
    for name in ("/no/such/folder", "cifar-10"):
        told = refused("serve", "--port", "0", "--data", name)
        assert name in told
