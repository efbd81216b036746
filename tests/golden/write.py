"""Write the golden values of this folder from the inkwash that is installed, or compare all of them with it.

    python tests/golden/write.py            write images.npz, images.json and evaluation.json, and the run folders' samples
    python tests/golden/write.py --check    compare every value, those of slow samplers and evaluations included
    python tests/golden/write.py --runs     train the run folders again as well, which only a new file format requires

Set INKWASH_DATA to the folder of the real MNIST for the evaluations that need it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

# golden_cases imports tests/command.py
sys.path.insert(0, str(Path(__file__).parents[1]))
from golden_cases import (
    CASES,
    EVALUATION,
    EVALUATIONS,
    EVALUATIONS_WITH_MNIST,
    HASHES,
    IMAGES,
    SLOW_EVALUATIONS,
    evaluate,
    write_inputs,
)
from golden_compare import compare_figures, compare_samples, environment
from golden_runs import SAMPLES, make_runs, sample_runs
from numpy.typing import NDArray


def main() -> None:
    """Write or compare the golden values, by the flags of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--runs", action="store_true")
    given = parser.parse_args()
    torch.set_num_threads(1)
    if given.runs:
        make_runs()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["INKWASH_CACHE"] = str(folder / "cache")
        write_inputs(folder)
        samples = {case: _timed(case, lambda case=case: CASES[case].run(folder)) for case in CASES}
        runs = _timed("runs", sample_runs)
        figures = _evaluations(folder)
    if given.check:
        sys.exit(_check(samples, runs, figures))
    np.savez_compressed(IMAGES, **samples)
    hashes = {case: hashlib.sha256(values.tobytes()).hexdigest() for case, values in samples.items()}
    HASHES.write_text(json.dumps(hashes, indent=1) + "\n", encoding="utf-8")
    np.savez_compressed(SAMPLES, **runs)
    if len(figures) < len(stored := json.loads(EVALUATION.read_text()) if EVALUATION.exists() else {}):
        print(f"unchanged without INKWASH_DATA: {sorted(set(stored) - set(figures))}")
    written = stored | figures | {"environment": environment()}
    EVALUATION.write_text(json.dumps(written, indent=1) + "\n", encoding="utf-8")


def _evaluations(folder: Path) -> dict[str, Any]:
    mnist = os.environ.pop("INKWASH_DATA", None)
    plain = EVALUATIONS | SLOW_EVALUATIONS
    found = {name: _timed(name, lambda words=words: evaluate(words, folder)) for name, words in plain.items()}
    if mnist is not None:
        for name, words in EVALUATIONS_WITH_MNIST.items():
            found[name] = _timed(name, lambda words=words: evaluate(words, folder, "--data", mnist))
    return found


def _check(
    samples: dict[str, NDArray[Any]], runs: dict[str, NDArray[Any]], figures: dict[str, dict[str, float]]
) -> int:
    wrong = 0
    for stored, found in ((IMAGES, samples), (SAMPLES, runs)):
        with np.load(stored) as golden:
            for case, values in found.items():
                if message := compare_samples(golden[case], values):
                    wrong += 1
                    print(f"{case}: {message}")
    golden_figures = json.loads(EVALUATION.read_text(encoding="utf-8"))
    for name, found_figures in figures.items():
        for message in compare_figures(golden_figures[name], found_figures):
            wrong += 1
            print(f"evaluation {name}: {message}")
    print(f"{len(samples) + len(runs)} arrays and {sum(map(len, figures.values()))} figures compared, {wrong} differ")
    return int(wrong > 0)


def _timed(name: str, call: Any) -> Any:
    begun = time.perf_counter()
    found = call()
    print(f"{time.perf_counter() - begun:6.2f} s  {name}", file=sys.stderr)
    return found


if __name__ == "__main__":
    main()
