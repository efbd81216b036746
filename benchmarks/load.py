"""Many at once: so many clients ask the page's server for drawings on loopback, for so many seconds.

    python benchmarks/load.py --clients 50 --seconds 60

starts a server of this checkout, and prints what the clients saw, how much memory the server held at the beginning, in
the middle and at the end, and how soon it answers afterwards. It fails when anyone saw anything but a drawing or a
polite "busy", when memory has grown by more than a tenth after the first third, or when the server does not answer.
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

import httpx2 as httpx
from cyclopts import App

ROOT = Path(__file__).parent.parent
GROWTH = 0.1
app = App()


@app.default
def main(clients: int = 50, seconds: float = 60.0, images: int = 4, model: str = "fast") -> int:
    """Load a server with so many `clients` for so many `seconds`, each asking for `images` again and again."""
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
    bad = [kind for kind in found["answers"] if kind not in ("drawn", "busy")]
    if bad or ended > (1 + GROWTH) * begun:
        print(f"failed: {', '.join(bad) or 'memory has grown'}", file=sys.stderr)
        return 1
    return 0


async def _load(address: str, pid: int, clients: int, seconds: float, images: int, model: str) -> dict[str, object]:
    answers: Counter[str] = Counter()
    waits: list[float] = []
    limits = httpx.Limits(max_connections=clients + 1)
    async with httpx.AsyncClient(base_url=address, timeout=60, limits=limits) as web:
        asked = {"model": model, "seeds": list(range(images))}
        await _draw(web, asked, answers, waits)  # the model is loaded by now
        answers.clear(), waits.clear()
        end = time.monotonic() + seconds
        held = {"MB at the beginning": _memory(pid)}

        async def client(number: int) -> None:
            while time.monotonic() < end:
                before = answers["busy"]
                await _draw(web, asked | {"seeds": [number * 1000 + k for k in range(images)]}, answers, waits)
                if answers["busy"] > before:
                    await asyncio.sleep(0.5)

        async def watch() -> None:
            await asyncio.sleep(seconds / 3)
            held["MB after a third"] = _memory(pid)

        await asyncio.gather(watch(), *(client(number) for number in range(clients)))
        held["MB at the end"] = _memory(pid)
        begun = time.perf_counter()
        (await web.get("/api/models")).raise_for_status()
        after = time.perf_counter() - begun
        begun = time.perf_counter()
        await _draw(web, asked, Counter(), [])
        drawn = time.perf_counter() - begun
    middle = sorted(waits)[len(waits) // 2] if waits else None
    return {
        "clients": clients,
        "seconds": seconds,
        "answers": dict(answers),
        "median seconds to a drawing": middle and round(middle, 2),
        **held,
        "seconds to an answer afterwards": round(after, 3),
        "seconds to a drawing afterwards": round(drawn, 3),
    }


async def _draw(web: httpx.AsyncClient, asked: dict[str, object], answers: Counter[str], waits: list[float]) -> None:
    begun = time.perf_counter()
    try:
        async with web.stream("POST", "/api/sample", json=asked) as answer:
            if answer.status_code == 503:
                answers["busy"] += 1
                return
            last = ""
            async for line in answer.aiter_lines():
                last = line.removeprefix("event: ") if line.startswith("event: ") else last
            answers["drawn" if last == "done" else f"status {answer.status_code}, ended with '{last}'"] += 1
            waits.append(time.perf_counter() - begun)
    except httpx.HTTPError as error:
        answers[type(error).__name__] += 1


def _memory(pid: int) -> int:
    """Return the resident memory of a process in MB."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) // 1024


if __name__ == "__main__":
    sys.exit(app())
