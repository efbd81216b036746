"""Counter-based random numbers: every value is a function of (seed, item, draw, stream), and there is no state.

Philox 4x32 with ten rounds (Salmon et al., 2011, "Parallel random numbers: as easy as 1, 2, 3") maps the counter to
32-bit words; the Box-Muller transform (Box & Muller, 1958) maps words to normals. The noise of an image is therefore the
same in a batch of 1 or 64, and a training step can be repeated without the steps before it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from enum import Enum

import torch
from torch import Tensor

_WORD = 0xFFFFFFFF


class Stream(Enum):
    """A purpose of random numbers: `number` is a word of the counter, `draws` the range of another one that it may use.

    Several purposes can share a number, as their draws do not overlap; a `draw` is counted from 0 within its purpose. The
    values never change, because images and published figures depend on them: a new purpose takes the next free number.
    """

    SAMPLE = 0
    SAMPLE_LABEL = 1
    TRAIN_NOISE = 2
    TRAIN_LEVEL = 3
    TRAIN_DROPOUT = 4
    SHUFFLE = 5
    VALIDATION_SPLIT = 6, range(0, 1)
    VALIDATION_NOISE = 6, range(1, 2)
    REFERENCE_ROWS = 7, range(0, 1)
    REFERENCE_SPLIT = 7, range(1, 2)
    EXTRA_MEASURE_ROWS = 7, range(2, 3)
    NEIGHBOUR_ROWS = 7, range(4, 5)
    FILE_ROWS = 7, range(5, 6)
    CONTROL_NOISE = 7, range(8, 9)
    CONTROL_BLENDS = 7, range(9, 10)
    CONTROL_LABELS = 7, range(10, 11)
    GALLERY_PAIRS = 7, range(12, 13)
    FRECHET_ORDER = 7, range(16, 17)
    FRECHET_BOOTSTRAP = 7, range(17, 18)
    KID_BLOCKS = 7, range(18, 20)
    C2ST_HALVES = 7, range(20, 22)
    TSTR_PARTNERS = 7, range(22, 23)
    LIKELIHOOD_LEVEL = 8, range(0, 1)
    LIKELIHOOD_DECODER = 8, range(1, 2)
    LIKELIHOOD_NOISE = 8, range(2, 2**32)
    EXTRACTOR_ORDER = 9
    EXTRACTOR_SHIFT = 10
    REFERENCE_SUBSETS = 11
    EXPORT_CHECK = 12
    BENCHMARK = 13
    CHECKED_IMAGES = 14
    DATA_PREVIEW = 15
    TRAIN_RENOISE = 16
    STUDENT_VALIDATION = 17
    TRAIN_ATTRIBUTES = 18
    ATTRIBUTE_REQUESTS = 19

    def __init__(self, number: int, draws: range = range(2**32)) -> None:
        self.number = number
        self.draws = draws


def philox_words(seed: Tensor | int, item: Tensor | int, draw: int, stream: Stream, count: int) -> Tensor:
    """Return `count` 32-bit words for each item, as int64 in [0, 2^32), shape [B, count].

    `seed` and `item` are non-negative integers or int64 tensors [B]; `seed` has up to 63 bits, `item` up to 32. The
    counter is (block, item, draw, stream number), the key is the seed (Salmon et al., 2011). Raises `IndexError` for a
    `draw` outside those of `stream`.
    """
    seed, item = torch.as_tensor(seed), torch.as_tensor(item)
    device = seed.device if seed.ndim else item.device
    rows = max(seed.numel(), item.numel())
    blocks = -(-count // 4)
    # Both halves of the counter are one tensor: the words that are multiplied, and those that are only added.
    shape = (rows, blocks)
    factors = torch.tensor([0xD2511F53, 0xCD9E8D57], device=device).reshape(2, 1, 1)
    multiplied = torch.stack(
        [torch.arange(blocks, device=device).expand(shape), torch.full(shape, stream.draws[draw], device=device)]
    )
    added = torch.full((2, *shape), stream.number, device=device)
    added[0] = item.to(device).reshape(-1, 1)
    seed = seed.to(device).reshape(-1, 1)
    key = torch.stack([seed & _WORD, (seed >> 32) & _WORD])
    steps = torch.tensor([0x9E3779B9, 0xBB67AE85], device=device).reshape(2, 1, 1)
    for _ in range(10):
        # int64 multiplication wraps but keeps the low 64 bits; the sign that the upper half may carry is masked.
        product = (multiplied * factors).flip(0)
        multiplied = (product >> 32).bitwise_xor_(added).bitwise_xor_(key).bitwise_and_(_WORD)
        added = product.bitwise_and_(_WORD)
        key = (key + steps) & _WORD
    return torch.stack([multiplied, added], dim=1).permute(2, 3, 0, 1).reshape(rows, -1)[:, :count]


def uniforms(seed: Tensor | int, item: Tensor | int, draw: int, stream: Stream, count: int = 1) -> Tensor:
    """Return uniform numbers in the open interval (0, 1), float64 [B, count]; arguments as for `philox_words`."""
    return (philox_words(seed, item, draw, stream, count).double() + 0.5) / 2**32


def normals(seed: Tensor | int, item: Tensor | int, draw: int, stream: Stream, shape: Sequence[int]) -> Tensor:
    """Return standard normals, float32 [B, *shape]; arguments as for `philox_words` (Box & Muller, 1958).

    Computed in float64 and rounded once, so that the JavaScript engine reproduces them to within one unit in the last place.
    """
    count = math.prod(shape)
    pairs = uniforms(seed, item, draw, stream, count + count % 2).unflatten(1, (-1, 2))
    radius = torch.sqrt(-2 * torch.log(pairs[..., 0]))
    angle = 2 * math.pi * pairs[..., 1]
    both = torch.stack([radius * torch.cos(angle), radius * torch.sin(angle)], dim=-1)
    return both.flatten(1)[:, :count].float().reshape(-1, *shape)


def slerp(start: Tensor, end: Tensor, t: Tensor) -> Tensor:
    """Return the noise at `t` in [0, 1] (float64 [B]) of the quarter circle from `start` to `end`, both [B, ...].

    Between independent standard normals each point is standard normal again, which linear interpolation would not give
    (Shoemake, 1985; White, 2016, "Sampling generative networks"). The two ends are reproduced exactly.
    """
    quarter = math.pi / 2
    shaped = t.reshape(-1, *[1] * (start.ndim - 1)).to(start.device)
    # The cosine is computed as a sine: it is exactly 0 at the far end, where torch.cos would return 6e-17.
    return (torch.sin(quarter * (1 - shaped)) * start + torch.sin(quarter * shaped) * end).to(start.dtype)


def permutation(seed: int, draw: int, stream: Stream, count: int) -> Tensor:
    """Return a permutation of range(count), int64 [count]: the stable argsort of its random words."""
    return torch.argsort(philox_words(seed, 0, draw, stream, count)[0], stable=True)
