"""inkwash: train, sample, evaluate and examine diffusion models of small images.

    import inkwash
    model = inkwash.load("fast")
    digits = inkwash.sample(model, n=10, label="0-9")
    digits.save("digits.png")
    inkwash.train("simple-unet", data="digits", length="2 epochs")

The names are listed in __init__.pyi and imported when they are first used, so that `inkwash --help` does not import torch.
"""

import os
from typing import Any

import lazy_loader

__version__ = "0.1.0"

if "OMP_WAIT_POLICY" not in os.environ:
    # Threads of libgomp spin at every barrier: 300,000 turns by default, which makes a training step five times slower
    # where another program uses one of the cores. 10,000 keep the speed of an idle machine (docs/speed.md). The library
    # reads this when torch is first imported.
    os.environ.setdefault("GOMP_SPINCOUNT", "10000")

DEFAULT_MODEL = "fast"
"""The name of the bundled model that is used where none is given."""

_import_name, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)


def __getattr__(name: str) -> Any:
    if name == "USUAL":
        raise AttributeError("inkwash.USUAL was renamed: use inkwash.DEFAULT_MODEL")
    return _import_name(name)
