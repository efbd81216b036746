"""The mathematics of diffusion: levels, schedules, targets, denoisers, samplers and noise; it depends on torch only."""

from inkwash.core.conditions import Condition
from inkwash.core.denoisers import (
    Clipped,
    Counted,
    Denoiser,
    Guided,
    Inpainted,
    Labelled,
    NetDenoiser,
    WeightedPair,
    WithAttributes,
)
from inkwash.core.densities import DENSITIES, Density, LogitNormal, LogNormal, Uniform
from inkwash.core.encoding import Encoding, encode
from inkwash.core.exact import EmpiricalDenoiser, GaussianDenoiser, MixtureDenoiser
from inkwash.core.levels import CLEAN, NOISE, Level
from inkwash.core.samplers import SAMPLERS, Frame, Sampler, SamplerRules
from inkwash.core.schedules import (
    SCHEDULES,
    Betas,
    Cosine,
    Flow,
    Karras,
    Linear,
    LogLinear,
    Quadratic,
    Schedule,
    Sigmoid,
)
from inkwash.core.targets import TARGETS, Target
from inkwash.core.warps import WARPS, Power, Shift, Stretch, Warp, Warped

__all__ = [
    "CLEAN",
    "DENSITIES",
    "NOISE",
    "SAMPLERS",
    "SCHEDULES",
    "TARGETS",
    "WARPS",
    "Betas",
    "Clipped",
    "Condition",
    "Cosine",
    "Counted",
    "Denoiser",
    "Density",
    "EmpiricalDenoiser",
    "Encoding",
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
    "LogNormal",
    "LogitNormal",
    "MixtureDenoiser",
    "NetDenoiser",
    "Power",
    "Quadratic",
    "Sampler",
    "SamplerRules",
    "Schedule",
    "Shift",
    "Sigmoid",
    "Stretch",
    "Target",
    "Uniform",
    "Warp",
    "Warped",
    "WeightedPair",
    "WithAttributes",
    "encode",
]
