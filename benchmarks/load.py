"""Load test of the page's server: many clients sample on loopback at the same time.

    python benchmarks/load.py --clients 50 --seconds 60

starts a server of this checkout, and prints the responses that the clients received, the server's memory at the beginning,
after a third and at the end, and its response times afterwards. It fails when a response was neither complete nor "busy",
or when memory has grown by more than a tenth after the first third.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx2 as httpx
from cyclopts import App

ROOT = Path(__file__).parent.parent
GROWTH = 0.1
app = App()


@app.default
def main(clients: int = 50, seconds: float = 60.0, images: int = 4, model: str = "fast") -> int:
    """Load a server with `clients` that sample `images` per request, one request after the other, for `seconds`."""
    command = [sys.executable, "-m", "inkwash", "serve", "--port", "0", "--quiet"]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as server:
        assert server.stdout is not None
        address = server.stdout.readline().strip()
        try:
            found = asyncio.run(_load(address, server.pid, clients, seconds, images, model))
        finally:
            server.terminate()
    print(json.dumps(found, indent=1))
    begun, ended = found["MB after a third"], found["MB at the end"]
    bad = [kind for kind in found["answers"] if kind not in ("sampled", "busy")]
    if bad or ended > (1 + GROWTH) * begun:
        print(f"failed: {', '.join(bad) or 'memory has grown'}", file=sys.stderr)
        return 1
    return 0


async def _load(address: str, pid: int, clients: int, seconds: float, images: int, model: str) -> dict[str, Any]:
    answers: Counter[str] = Counter()
    waits: list[float] = []
    limits = httpx.Limits(max_connections=clients + 1)
    async with httpx.AsyncClient(base_url=address, timeout=60, limits=limits) as web:
        body: dict[str, Any] = {"model": model, "seeds": list(range(images))}
        await _sample(web, body, answers, waits)  # This loads the model.
        answers.clear()
        waits.clear()
        end = time.monotonic() + seconds
        memory = {"MB at the beginning": _memory(pid)}

        async def client(number: int) -> None:
            while time.monotonic() < end:
                before = answers["busy"]
                await _sample(web, body | {"seeds": [number * 1000 + k for k in range(images)]}, answers, waits)
                if answers["busy"] > before:
                    await asyncio.sleep(0.5)

        async def watch() -> None:
            await asyncio.sleep(seconds / 3)
            memory["MB after a third"] = _memory(pid)

        await asyncio.gather(watch(), *(client(number) for number in range(clients)))
        memory["MB at the end"] = _memory(pid)
        begun = time.perf_counter()
        (await web.get("/api/models")).raise_for_status()
        after = time.perf_counter() - begun
        begun = time.perf_counter()
        await _sample(web, body, Counter(), [])
        sampled = time.perf_counter() - begun
    middle = sorted(waits)[len(waits) // 2] if waits else None
    return {
        "clients": clients,
        "seconds": seconds,
        "answers": dict(answers),
        "median seconds to a sample": middle and round(middle, 2),
        **memory,
        "seconds to a response afterwards": round(after, 3),
        "seconds to a sample afterwards": round(sampled, 3),
    }


async def _sample(web: httpx.AsyncClient, body: dict[str, Any], answers: Counter[str], waits: list[float]) -> None:
    begun = time.perf_counter()
    try:
        async with web.stream("POST", "/api/sample", json=body) as answer:
            if answer.status_code == 503:
                answers["busy"] += 1
                return
            last = ""
            async for line in answer.aiter_lines():
                last = line.removeprefix("event: ") if line.startswith("event: ") else last
            answers["sampled" if last == "done" else f"status {answer.status_code}, ended with '{last}'"] += 1
            waits.append(time.perf_counter() - begun)
    except httpx.HTTPError as error:
        answers[type(error).__name__] += 1


def _memory(pid: int) -> int:
    """Return the resident memory of a process in MB."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) // 1024


if __name__ == "__main__":
    sys.exit(app())
