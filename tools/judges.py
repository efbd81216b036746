"""Make the judges that come with inkwash: tools/judges.py --data FOLDER writes src/inkwash/extractors/NAME.

The same on one machine at every call, the bits of a network apart on others. Exits when the folder is there already:
every figure ever stated belongs to the judges that it was measured with.
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
    """Build the judges of DATA and write them where inkwash finds them."""
    loaded = datasets.load(data)
    folder = Path(inkwash.__file__).parent / "extractors" / loaded.name
    if folder.exists():
        sys.exit(f"{folder.name} is there already: its figures would mean something else; move it away first")
    last = ""

    def progress(what: str, share: float) -> None:
        nonlocal last
        told = f"{what} {share:4.0%}"
        if told != last:
            print(f"\r{told}   ", end="", file=sys.stderr, flush=True)
        last = told

    found = reference.build(loaded, progress)
    extractor_files.write(found, folder)
    print()
    for key, value in found.real_scores.items():
        print(f"{key:24} {value:.4f}")
    for name, judge in found.extractors.items():
        floor, real = judge.statistics.fd_train_to_train, judge.statistics.fd_test_to_train
        print(name, "floor", dict(zip(floor.sizes, floor.values, strict=True)))
        print(name, "real", dict(zip(real.sizes, real.values, strict=True)))


app()
