"""`inkwash serve`: it prints its address, responds there, and ends at Ctrl-C."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request

import pytest
from outcome import Inkwash


def test_port_in_use_is_an_error(inkwash: Inkwash) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        outcome = inkwash("serve", "--port", taken.getsockname()[1])
    assert outcome.code == 1 and outcome.kind == ("io", "port")


def test_server_responds_at_the_printed_address_and_ends_at_ctrl_c() -> None:
    command = [sys.executable, "-m", "inkwash", "serve", "--port", "0", "--quiet"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ) as server:
        try:
            assert server.stdout is not None and server.stderr is not None
            address = server.stdout.readline().strip()
            assert address.startswith("http://127.0.0.1:")
            with urllib.request.urlopen(address, timeout=20) as response:
                assert b"<title>inkwash</title>" in response.read()
            server.send_signal(signal.SIGINT)
            assert server.wait(20) == 0
            assert "Traceback" not in server.stderr.read()
        finally:
            server.kill()


@pytest.mark.parametrize("signals", [1, 2])
def test_ctrl_c_while_sampling_ends_without_a_traceback(signals: int) -> None:
    command = [sys.executable, "-m", "inkwash", "serve", "--port", "0", "--quiet"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ) as server:
        try:
            assert server.stdout is not None and server.stderr is not None
            address = server.stdout.readline().strip()
            body = {"model": "digits", "seeds": list(range(60)), "steps": 1000}
            headers = {"Content-Type": "application/json"}
            request = urllib.request.Request(f"{address}api/sample", json.dumps(body).encode(), headers)
            with urllib.request.urlopen(request, timeout=20) as response:
                # The first event of a step.
                while not response.readline().startswith(b"event: step"):
                    pass
                for _ in range(signals):
                    server.send_signal(signal.SIGINT)
                with contextlib.suppress(http.client.IncompleteRead, ConnectionError):
                    assert b"event: done" not in response.read()
            assert server.wait(20) == 0
            assert server.stderr.read() == ""
        finally:
            server.kill()
