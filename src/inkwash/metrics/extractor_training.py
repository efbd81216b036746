"""Training of feature extractors: fixed hyperparameters, the training set only, deterministic on one machine."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from copy import deepcopy

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from inkwash.core.rng import Stream, permutation, philox_words
from inkwash.data import Dataset, encode
from inkwash.metrics.extractors import PATCH, WIDTH, Classifier, Texture
from inkwash.text.progress import ProgressCallback

EPOCHS = 8
BATCH = 128
LEARNING_RATE = 4e-3
MAX_SHIFT = 1
"""Largest shift in pixels as data augmentation."""
MIN_STEPS = 600


def train_classifier(
    net: Classifier,
    data: Dataset,
    seed: int,
    progress: ProgressCallback | None = None,
    *,
    epochs: int = EPOCHS,
    min_steps: int = MIN_STEPS,
    max_shift: int = MAX_SHIFT,
) -> Classifier:
    """Train `net` on the classes of `data` and return it; `progress` is called with the fraction done.

    AdamW with a one-cycle learning rate (Smith & Topin, 2018). Trains for `epochs`, or more until `min_steps` are done;
    images are shifted by at most `max_shift` pixels.
    """
    assert data.labels is not None
    net.train()
    net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    count = len(data)
    epochs, steps_per_epoch = _length(count, epochs, min_steps)
    total = epochs * steps_per_epoch
    optimizer = torch.optim.AdamW(net.parameters(), lr=LEARNING_RATE, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total, pct_start=0.2)
    for epoch in range(epochs):
        order = permutation(seed, epoch, Stream.EXTRACTOR_ORDER, count)
        for step, chosen in enumerate(order.split(min(BATCH, count)), start=epoch * steps_per_epoch):
            images = shifted_randomly(encode(data.values[chosen]), seed, step, max_shift)
            loss = functional.cross_entropy(net(images), data.labels[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            if progress is not None:
                progress((step + 1) / total)
    return net.eval()


def num_steps(count: int, epochs: int = EPOCHS, min_steps: int = MIN_STEPS) -> int:
    """Return the number of steps of `train_classifier` on `count` images."""
    return math.prod(_length(count, epochs, min_steps))


def seconds_per_step(net: Classifier, data: Dataset) -> float:
    """Return the seconds of one training step of `net` on `data`, timed now on a copy: the last of three."""
    times = [time.perf_counter()]
    train_classifier(
        deepcopy(net),
        data.subset(slice(BATCH)),
        0,
        lambda done: times.append(time.perf_counter()),
        epochs=3,
        min_steps=3,
    )
    return times[-1] - times[-2]


def _length(count: int, epochs: int, min_steps: int) -> tuple[int, int]:
    """Return the number of epochs, and of steps in each."""
    steps_per_epoch = -(-count // min(BATCH, count))
    return max(epochs, -(-min_steps // steps_per_epoch)), steps_per_epoch


def shifted_randomly(
    images: Float[Tensor, "B C H W"], seed: int, step: int, max_shift: int = MAX_SHIFT
) -> Float[Tensor, "B C H W"]:
    """Return `images` [B, C, H, W] shifted by one random offset per step, with the border repeated."""
    down, right = (philox_words(seed, 0, step, Stream.EXTRACTOR_SHIFT, 2)[0] % (2 * max_shift + 1)).tolist()
    padded = functional.pad(images, (max_shift, max_shift, max_shift, max_shift), mode="replicate")
    height, width = images.shape[-2:]
    return padded[..., down : down + height, right : right + width].contiguous(memory_format=torch.channels_last)


@torch.no_grad()
def fit_texture(net: Texture, data: Dataset, seed: int) -> Texture:
    """Fit filters and axes of `net` by PCA of at most 5,000 train images, and return it."""
    chosen = permutation(seed, 0, Stream.EXTRACTOR_ORDER, len(data))[:5000]
    images = encode(data.values[chosen])
    patches = functional.unfold(images[:1000], PATCH).transpose(1, 2).flatten(0, 1).double()
    _, patterns = torch.linalg.eigh(torch.cov(patches.T))
    net.filters = patterns.T.flip(0).reshape_as(net.filters).float()
    responses = torch.cat([net.responses(part) for part in images.split(500)]).double()
    net.centre = responses.mean(0).float()
    variances, axes = torch.linalg.eigh(torch.cov(responses.T))
    # The sign of an eigenvector is arbitrary: the largest entry is made positive, so that machines agree.
    axes = axes.flip(1)[:, :WIDTH]
    signs = axes.gather(0, axes.abs().argmax(0, keepdim=True)).sign()
    # Whiten with a floor: without whitening the first axis, the amount of ink, would dominate.
    scale = variances.flip(0)[:WIDTH].clamp(min=1e-12)
    # Make the tensor contiguous, as it is after loading from a file, so that matrix products round alike.
    net.axes = (axes * signs / (scale + 0.01 * scale[0]).sqrt()).float().contiguous()
    return net.eval()


def seeded(build: Callable[[], nn.Module], seed: int) -> nn.Module:
    """Return the network that `build` returns, initialized from `seed` without changing the global generator."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return build()
