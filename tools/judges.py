"""Train the bundled feature extractors: tools/judges.py --data FOLDER writes src/inkwash/extractors/NAME.

The result is the same in every run on one machine, and differs by rounding on others. Exits when the folder exists,
because all published scores belong to the extractors that they were computed with.
"""

from __future__ import annotations

import sys
from pathlib import Path

from cyclopts import App

import inkwash
from inkwash import data as datasets
from inkwash.evaluation import reference
from inkwash.metrics import extractor_files

app = App()


@app.default
def main(data: str) -> None:
    """Train feature extractors on DATA and write them into the package."""
    loaded = datasets.load(data)
    folder = Path(inkwash.__file__).parent / "extractors" / loaded.name
    if folder.exists():
        sys.exit(f"{folder} exists: published scores were computed with it; move it away first")

    def progress(stage: str, fraction: float) -> None:
        print(f"\r{stage} {fraction:4.0%}   ", end="", file=sys.stderr, flush=True)

    found = reference.build(loaded, progress)
    extractor_files.write(found, folder)
    print()
    for key, value in found.real_scores.items():
        print(f"{key:24} {value:.4f}")
    for name, extractor in found.extractors.items():
        statistics = extractor.statistics
        for part, fd in (("train", statistics.fd_train_to_train), ("test", statistics.fd_test_to_train)):
            print(f"FD of {part} images, {name}:", dict(zip(fd.sizes, fd.values, strict=True)))


app()
