"""How judges come about: a script without choices, from the train set alone, the same at every call on one machine."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from copy import deepcopy

import torch
from torch import Tensor, nn
from torch.nn import functional

from inkwash.core.noise import Stream, permutation, philox_words
from inkwash.data import Dataset, encode
from inkwash.metrics.extractors import PATCH, WIDTH, Classifier, Texture

EPOCHS = 8
BATCH = 128
RATE = 4e-3
SHIFT = 1
"""Pixels by which images are moved at most while a judge learns: writers do not centre to the pixel."""
FEWEST_STEPS = 600

Progress = Callable[[float], object]


def learnt(
    net: Classifier,
    data: Dataset,
    seed: int,
    progress: Progress | None = None,
    *,
    epochs: int = EPOCHS,
    steps: int = FEWEST_STEPS,
    shift: int = SHIFT,
) -> Classifier:
    """Return `net` after it learnt the classes of the train part; `progress(share)` hears how far it is, in [0, 1].

    AdamW with a rate that rises and falls once (Smith & Topin 2018), batches and shifts from counters. There are as
    many epochs as it takes for `steps` updates, and at least `epochs`; images are moved by at most `shift` pixels.
    """
    assert data.labels is not None
    net.train()
    net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    count = len(data)
    batch = min(BATCH, count)
    epochs, an_epoch = _lessons(count, epochs, steps)
    optimizer = torch.optim.AdamW(net.parameters(), lr=RATE, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, epochs * an_epoch, pct_start=0.2)
    for epoch in range(epochs):
        order = permutation(seed, epoch, Stream.EXTRACTOR_ORDER, count)
        for place, chosen in enumerate(order.split(batch)):
            step = epoch * an_epoch + place
            images = moved(encode(data.values[chosen]), seed, step, shift)
            loss = functional.cross_entropy(net(images), data.labels[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            if progress is not None:
                progress((step + 1) / (epochs * an_epoch))
    return net.eval()


def updates(count: int, epochs: int = EPOCHS, steps: int = FEWEST_STEPS) -> int:
    """Return how often a network that learns from `count` images as in `learnt` is updated."""
    return math.prod(_lessons(count, epochs, steps))


def pace(net: Classifier, data: Dataset) -> float:
    """Return the seconds of one update of `net` on `data`, timed now on a copy: the last of three."""
    moments = [time.perf_counter()]
    few = Dataset(data.name, data.values[:BATCH], None if data.labels is None else data.labels[:BATCH], data.classes)
    learnt(deepcopy(net), few, 0, lambda share: moments.append(time.perf_counter()), epochs=3, steps=3)
    return moments[-1] - moments[-2]


def _lessons(count: int, epochs: int, steps: int) -> tuple[int, int]:
    """Return the epochs, and the updates in each."""
    an_epoch = -(-count // min(BATCH, count))
    return max(epochs, -(-steps // an_epoch)), an_epoch


def moved(images: Tensor, seed: int, step: int, shift: int = SHIFT) -> Tensor:
    """Return `images` [B, C, H, W], all moved by the step's own number of pixels each way; the edge is repeated."""
    down, right = (philox_words(seed, 0, step, Stream.EXTRACTOR_SHIFT, 2)[0] % (2 * shift + 1)).tolist()
    padded = functional.pad(images, (shift, shift, shift, shift), mode="replicate")
    height, width = images.shape[-2:]
    return padded[..., down : down + height, right : right + width].contiguous(memory_format=torch.channels_last)


@torch.no_grad()
def fitted(net: Texture, data: Dataset, seed: int) -> Texture:
    """Return `net` with filters and axes that are principal components of (at most 5,000 of) the train images."""
    chosen = permutation(seed, 0, Stream.EXTRACTOR_ORDER, len(data))[:5000]
    images = encode(data.values[chosen])
    patches = functional.unfold(images[:1000], PATCH).transpose(1, 2).flatten(0, 1).double()
    _, patterns = torch.linalg.eigh(torch.cov(patches.T))
    net.filters = patterns.T.flip(0).reshape_as(net.filters).float()
    answers = torch.cat([net.answers(part) for part in images.split(500)]).double()
    net.centre = answers.mean(0).float()
    spread, axes = torch.linalg.eigh(torch.cov(answers.T))
    # eigenvectors have no sign of their own: the largest entry is made positive, so that machines agree
    axes = axes.flip(1)[:, :WIDTH]
    signs = axes.gather(0, axes.abs().argmax(0, keepdim=True)).sign()
    # whitened up to a floor: without it the widest axis, how much ink there is, would be all that counts
    scale = spread.flip(0)[:WIDTH].clamp(min=1e-12)
    # laid out as it is read from a file, so that it rounds alike
    net.axes = (axes * signs / (scale + 0.01 * scale[0]).sqrt()).float().contiguous()
    return net.eval()


def initialised(build: Callable[[], nn.Module], seed: int) -> nn.Module:
    """Return what `build` returns, its layers initialised from `seed` alone."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return build()
