"""inkwash: a diffusion laboratory for small images, ink spreading in water, run backwards.

    import inkwash
    model = inkwash.load("cfg-cosine")
    digits = inkwash.sample(model, n=10, label="0-9", guidance=2.0, sampler="dpm++2m:20")
    digits.save("digits.png")
    inkwash.train("simple-unet", data="digits", length="2 epochs")

Names are imported when they are first used, so that `inkwash --help` does not wait for torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOMES = {
    "inkwash.errors": ("InkwashError", "UsageError"),
    "inkwash.python": ("Samples", "load", "sample", "train"),
    "inkwash.model": ("Model",),
    "inkwash.recipe": ("Recipe",),
    "inkwash.data": ("Dataset",),
    "inkwash.objectives": ("Denoising",),
    "inkwash.core": (
        "CLEAN",
        "Clipped",
        "Counted",
        "Cosine",
        "EmpiricalDenoiser",
        "Flow",
        "Frame",
        "GaussianDenoiser",
        "Guided",
        "Inpainted",
        "Karras",
        "Labelled",
        "Level",
        "Linear",
        "LogLinear",
        "MixtureDenoiser",
        "NetDenoiser",
        "Quadratic",
        "Sampler",
        "Schedule",
        "Sigmoid",
        "Target",
        "Warped",
        "WeightedPair",
    ),
}

__all__ = ["__version__", *(name for names in _HOMES.values() for name in names)]  # noqa: PLE0604

if TYPE_CHECKING:
    from inkwash.core import (
        CLEAN,
        Clipped,
        Cosine,
        Counted,
        EmpiricalDenoiser,
        Flow,
        Frame,
        GaussianDenoiser,
        Guided,
        Inpainted,
        Karras,
        Labelled,
        Level,
        Linear,
        LogLinear,
        MixtureDenoiser,
        NetDenoiser,
        Quadratic,
        Sampler,
        Schedule,
        Sigmoid,
        Target,
        Warped,
        WeightedPair,
    )
    from inkwash.data import Dataset
    from inkwash.errors import InkwashError, UsageError
    from inkwash.model import Model
    from inkwash.objectives import Denoising
    from inkwash.python import Samples, load, sample, train
    from inkwash.recipe import Recipe


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(home), name)
    raise AttributeError(f"module 'inkwash' has no attribute '{name}'")
