"""Two moons in ten seconds: a diffusion model on one page, from its parts.

    python examples/two_moons.py            writes out/two-moons.png

A level mixes image and noise, a schedule orders levels, the target is what the network is asked for, the objective
compares, the sampler walks back. Nothing here knows that the "images" are points.
"""

from __future__ import annotations

import torch
from torch import Tensor

from inkwash import Cosine, Denoising, NetDenoiser, Sampler, Target
from inkwash.core.noise import Stream, normals
from inkwash.data import load
from inkwash.nets import MLP
from inkwash.viz import save_png, scatter

STEPS, BATCH, DRAWN = 2000, 256, 2000


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
def draw(denoiser: NetDenoiser) -> Tensor:
    """Return DRAWN points: from noise, 20 steps of Heun's method, one seed a point."""
    seeds = torch.arange(DRAWN)
    sampler = Sampler(Cosine(), "heun", steps=20)
    *_, last = sampler(denoiser, lambda k: normals(seeds, 0, k, Stream.SAMPLE, (2,)))
    return last.x


def distance(a: Tensor, b: Tensor) -> float:
    """Return the energy distance between two clouds of points, 0 for the same law (Székely & Rizzo 2013, eq. 5)."""
    return (2 * torch.cdist(a, b).mean() - torch.cdist(a, a).mean() - torch.cdist(b, b).mean()).item()


def main() -> float:
    """Train, draw, save the picture, and return the distance of what was drawn to points that were held back."""
    torch.manual_seed(0)  # the network's first weights
    moons = load("moons")
    drawn = draw(train(moons.values, moons.data_std))
    save_png(scatter(drawn, size=384), "out/two-moons.png", {"example": "two moons"})
    return distance(drawn, moons.test_values[:DRAWN])


if __name__ == "__main__":
    print(f"energy distance to held-back points: {main():.5f}; picture: out/two-moons.png")
