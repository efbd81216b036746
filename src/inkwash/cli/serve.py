"""`inkwash serve`: the playground, a web page to sample, edit and compare with the models of this machine."""

from __future__ import annotations

import contextlib
import secrets
import socket
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote

from cyclopts import Parameter

from inkwash.cli.parameters import DataRange, Integer, Plugin, Quiet, Threads
from inkwash.config import plugins
from inkwash.errors import InkwashError, UsageError

if TYPE_CHECKING:
    import uvicorn

JOIN_SECONDS = 10.0
"""Seconds to wait at shutdown for a model that is being loaded."""
MIN_TOKEN_LENGTH = 8


def serve(
    *runs: Path,
    port: Integer = 8000,
    host: str = "127.0.0.1",
    token: str | None = None,
    data: str | None = None,
    range_: DataRange = None,
    at_once: Integer = 2,
    waiting: Integer = 32,
    threads: Threads = None,
    open_: Annotated[bool, Parameter(name="--open", negative=())] = False,
    with_: Plugin = None,
    quiet: Annotated[Quiet, Parameter(help="Print errors and the address only.")] = False,
) -> int:
    """Start the playground: sample, edit and compare in a browser. All computation is local.

    Parameters
    ----------
    runs
        Run folders and checkpoint files to add to the bundled models and the folders in runs/.
    port
        0 to 65535; 0 for any free port.
    host
        The address to listen on; other than loopback only with --token.
    token
        A token of at least 8 characters that requests must have; "new" generates one.
    data
        The train set, for the predictions of the exact denoiser. Default: INKWASH_DATA, then data found on this machine.
    at_once
        Sampling jobs at a time, at least 1; others are queued.
    waiting
        Length of the queue, 0 or more; further requests are refused as busy.
    open_
        Also open the browser.
    """
    plugins.load(with_)
    import os

    import uvicorn

    from inkwash import data as datasets
    from inkwash.hardware import devices
    from inkwash.web import server
    from inkwash.web.catalog import Catalog
    from inkwash.web.queue import JobQueue
    from inkwash.web.security import LOOPBACK
    from inkwash.web.stopping import StoppableServer

    if not 0 <= port <= 65535:
        raise UsageError(f"--port is {port}: it must be from 0 to 65535", code="out-of-range", field="port")
    if at_once < 1 or waiting < 0:
        raise UsageError(
            f"--at-once is {at_once} and --waiting {waiting}: give at least 1 and 0",
            code="out-of-range",
            field="at_once" if at_once < 1 else "waiting",
        )
    if token == "new":
        token = secrets.token_urlsafe(16)
    if token is not None and len(token) < MIN_TOKEN_LENGTH:
        raise UsageError(
            f"--token has {len(token)} characters: give at least {MIN_TOKEN_LENGTH}, or 'new'",
            code="out-of-range",
            field="token",
        )
    if token is not None and not (token.isascii() and token.isprintable()):
        raise UsageError(
            "--token has characters beyond printable ASCII: choose others, or 'new'",
            code="invalid-value",
            field="token",
        )
    if token is None and host not in LOOPBACK:
        raise UsageError(
            f"--host {host} can be reached from other machines: give a --token as well, such as 'new'",
            code="missing-field",
            field="token",
        )
    given = data or os.environ.get("INKWASH_DATA")
    if range_ is not None and given is None:
        raise UsageError("--range has no effect without --data: give both", code="missing-field", field="data")
    if given is not None and (data or range_) and datasets.load_offline(given, value_range=range_) is None:
        raise UsageError(
            f"--data {given} is not on this machine: give an existing folder or file", code="missing-file", field="data"
        )
    devices.configure(threads)
    # The page is served at once, while the default model is loaded.
    catalog = Catalog(runs, Path("runs"), given, range_)
    jobs = JobQueue(at_once, waiting)
    built = server.create_app(catalog, token, jobs)
    config = uvicorn.Config(
        built,
        host,
        port,
        log_level="warning",
        access_log=False,
        server_header=False,
        lifespan="off",
        timeout_graceful_shutdown=2,
        timeout_keep_alive=20,
        limit_concurrency=500,
    )
    listening = _bound(config)
    reachable = _own_address(host)
    shown = f"[{reachable}]" if ":" in reachable else reachable
    address = f"http://{shown}:{listening.getsockname()[1]}/" + (f"?token={quote(token, safe='')}" if token else "")
    print(address, flush=True)
    if not quiet:
        print("Ctrl-C stops the server. All computation is local.", file=sys.stderr)
    warming = threading.Thread(target=catalog.warm_up, daemon=True)
    warming.start()
    if open_:
        import webbrowser

        webbrowser.open(address)
    # uvicorn raises it after an orderly shutdown.
    with contextlib.suppress(KeyboardInterrupt):
        StoppableServer(config, jobs).run(sockets=[listening])
    # The interpreter aborts when it exits while a thread computes.
    warming.join(JOIN_SECONDS)
    return 0


def _own_address(host: str) -> str:
    """Return the address under which other machines reach a server on `host`: for all interfaces, that of the default one."""
    if host not in ("0.0.0.0", "::"):
        return host
    family, remote = (socket.AF_INET, "192.0.2.1") if host == "0.0.0.0" else (socket.AF_INET6, "2001:db8::1")
    with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
        # Connecting a UDP socket sends nothing; it selects the interface.
        probe.connect((remote, 9))
        return str(probe.getsockname()[0])
    return socket.gethostname()


def _bound(config: uvicorn.Config) -> socket.socket:
    """Return the listening socket. Raises `InkwashError` where uvicorn would exit with a traceback."""
    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    found = socket.socket(family, socket.SOCK_STREAM)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((config.host, config.port))
        # Requests before the server runs wait instead of being refused.
        found.listen(config.backlog)
    except OSError as error:
        found.close()
        raise InkwashError(
            f"cannot listen on {config.host}, port {config.port} ({error.strerror}): choose another --port, 0 for any",
            code="io",
            field="port",
        ) from None
    return found
