"""A diffusion model of two moons on one page, trained in ten seconds.

    python examples/two_moons.py            writes out/two-moons.png

The schedule gives the noise levels, the network predicts the target, the objective is the loss, and the sampler integrates
from noise to samples. The "images" are points in the plane; no part depends on that.
"""

from __future__ import annotations

import torch
from torch import Tensor

from inkwash import Cosine, Denoising, NetDenoiser, Sampler, Target
from inkwash.core.rng import Stream, normals
from inkwash.data import load
from inkwash.nets import MLP
from inkwash.viz import save_png, scatter

STEPS, BATCH, SAMPLES = 2000, 256, 2000


def train(points: Tensor, std: float) -> NetDenoiser:
    """Return a denoiser of `points` [N, 2] with standard deviation `std`."""
    generator = torch.Generator().manual_seed(0)
    denoiser = NetDenoiser(MLP(2, width=96, depth=3), Target("v", std))
    objective = Denoising(Cosine())
    optimizer = torch.optim.Adam(denoiser.net.parameters(), lr=2e-3)
    decay = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS)
    for _ in range(STEPS):
        batch = points[torch.randint(len(points), (BATCH,), generator=generator)]
        u = torch.rand(BATCH, generator=generator, dtype=torch.float64)
        noise = torch.randn(BATCH, 2, generator=generator)
        objective(denoiser, batch, None, u, noise).mean().backward()
        optimizer.step()
        optimizer.zero_grad()
        decay.step()
    return denoiser


@torch.no_grad()
def sample(denoiser: NetDenoiser) -> Tensor:
    """Return SAMPLES points by 20 steps of Heun's method from noise, one seed each."""
    seeds = torch.arange(SAMPLES)
    sampler = Sampler(Cosine(), "heun", steps=20)
    *_, last = sampler(denoiser, lambda k: normals(seeds, 0, k, Stream.SAMPLE, (2,)))
    return last.x


def distance(a: Tensor, b: Tensor) -> float:
    """Return the energy distance of two sets of points, 0 for equal distributions: Székely & Rizzo (2013), Eq. 5."""
    return (2 * torch.cdist(a, b).mean() - torch.cdist(a, a).mean() - torch.cdist(b, b).mean()).item()


def main() -> float:
    """Train, sample, save a scatter plot, and return the distance of the samples to held-out points."""
    torch.manual_seed(0)  # initial weights
    moons = load("moons")
    samples = sample(train(moons.values, moons.data_std))
    save_png(scatter(samples, size=384), "out/two-moons.png", {"example": "two moons"})
    return distance(samples, moons.test_values[:SAMPLES])


if __name__ == "__main__":
    print(f"energy distance to held-out points: {main():.5f}; figure: out/two-moons.png")
