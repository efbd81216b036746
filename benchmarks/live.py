"""Redraws per second of the page's live images, by a server of this checkout on loopback, or in the exported page.

    python benchmarks/live.py --model one-step [--run runs/one-step-1] [--seconds 5]
    python benchmarks/live.py --model one-step --exported     # in headless chromium; needs Playwright

moves the position between two seeds, between two classes, and the guidance weight as a slider would, one request after the
other, and prints for each the redraws per second, the median time to one, and the processor time that the server spends on
one, which is comparable on a machine that other programs use.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx2 as httpx
from cyclopts import App

ROOT = Path(__file__).parent.parent
MOVE = """async (slider, milliseconds) => {
  let redraws = 0;
  const observer = new MutationObserver(() => redraws++);
  observer.observe(document.querySelector(".live .caption"), { childList: true, characterData: true, subtree: true });
  const begun = performance.now(), low = Number(slider.min), high = Number(slider.max);
  let moved = 0;
  while ((moved = (performance.now() - begun) / milliseconds) < 1) {
    slider.value = low + (high - low) * moved;
    slider.dispatchEvent(new Event("input", { bubbles: true }));
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  observer.disconnect();
  return 1000 * redraws / milliseconds;
}"""
"""Moves a slider from its lowest to its highest value; returns redraws per second, counted by changes of the caption."""
app = App()


@app.default
def main(
    model: str = "one-step", run: str | None = None, seconds: float = 5.0, images: int = 16, exported: bool = False
) -> None:
    """Measure each slider of `model` for `seconds`; `run` is its run folder where it is not a bundled model.

    With `exported`, the page that `inkwash export` writes is measured, which has 16 images.
    """
    if exported:
        print(json.dumps(_measure_exported(run or model, seconds), indent=1))
        return
    command = [sys.executable, "-m", "inkwash", "serve", *([run] if run else []), "--port", "0", "--quiet"]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as server:
        assert server.stdout is not None
        address = server.stdout.readline().strip()
        try:
            with httpx.Client(base_url=address, timeout=60) as web:
                print(json.dumps(_measure(web, server.pid, model, seconds, images), indent=1))
        finally:
            server.terminate()


def _measure(web: httpx.Client, pid: int, model: str, seconds: float, images: int) -> dict[str, Any]:
    """Return the figures of each slider."""
    body: dict[str, Any] = {"model": model, "seeds": list(range(images)), "seed_to": images}
    sliders = {"seed": {"seed_position": 1}, "class": {"label_position": 1}, "guidance": {"guidance": 4}}
    found = {}
    for name, ends in sliders.items():
        for _ in range(3):
            _redraw(web, body | ends)
        times: list[float] = []
        before, start = _processor_seconds(pid), time.perf_counter()
        while (moved := (time.perf_counter() - start) / seconds) < 1:
            begun = time.perf_counter()
            _redraw(web, body | {key: moved * end for key, end in ends.items()})
            times.append(time.perf_counter() - begun)
        found[name] = {
            "redraws per second": round(len(times) / (time.perf_counter() - start), 1),
            "median ms": round(1000 * sorted(times)[len(times) // 2], 1),
            "processor ms of the server": round(1000 * (_processor_seconds(pid) - before) / len(times), 1),
        }
    return found


def _measure_exported(model: str, seconds: float) -> dict[str, float]:
    """Return the redraws per second of each slider of the exported page of `model`."""
    from playwright.sync_api import sync_playwright

    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "inkwash", "export", model, "--to", "web", "--out", f"{folder}/page"]
        subprocess.run(command, env=environment, check=True, stdout=sys.stderr)
        serve = [sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "--directory", f"{folder}/page"]
        with (
            subprocess.Popen(serve, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server,
            sync_playwright() as driver,
        ):
            assert server.stdout is not None
            address = server.stdout.readline().partition("(")[2].partition(")")[0]
            browser = driver.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu", "--disable-sync"]
            )
            try:
                page = browser.new_page()
                page.goto(f"{address}#sample")
                page.locator(".live .caption", has_text="ms").wait_for()
                return {
                    name: round(page.get_by_role("slider", name=name).evaluate(MOVE, 1000 * seconds), 1)
                    for name in ("Seed morph", "Class morph", "Guidance")
                }
            finally:
                browser.close()
                server.terminate()


def _redraw(web: httpx.Client, body: dict[str, Any]) -> None:
    web.post("/api/live", json=body).raise_for_status()


def _processor_seconds(pid: int) -> float:
    """Return the user and system time of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    app()
