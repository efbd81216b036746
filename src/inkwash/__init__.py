"""inkwash: a diffusion laboratory for small images, ink spreading in water, run backwards.

    import inkwash
    model = inkwash.load("fast")
    digits = inkwash.sample(model, n=10, label="0-9")
    digits.save("digits.png")
    inkwash.train("simple-unet", data="digits", length="2 epochs")

What there is stands in __init__.pyi, and is imported when it is first used: `inkwash --help` does not wait for torch.
"""

import os

import lazy_loader

__version__ = "0.1.0"

if "OMP_WAIT_POLICY" not in os.environ:
    # Threads of libgomp spin at every barrier: 300,000 turns by default, which costs a training step five times its time
    # where another program has one of the cores. 10,000 keep the speed of an idle machine (docs/speed.md). The library
    # reads this when torch is first imported.
    os.environ.setdefault("GOMP_SPINCOUNT", "10000")

USUAL = "fast"
"""The bundled model that is meant where none is named."""

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
