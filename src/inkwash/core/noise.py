"""All randomness of inkwash: one function of counters, so that any number can be drawn alone and again.

Philox 4x32 with ten rounds (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3") turns
(seed, item, draw, stream) into 32-bit words; Box and Muller (1958) turn words into normals. There is no state:
an image's noise is the same in a batch of 1 or 64, and a training step can be repeated without the ones before it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from enum import IntEnum

import torch
from torch import Tensor

_WORD = 0xFFFFFFFF


class Stream(IntEnum):
    """What a number is for; numbers of different streams never meet."""

    SAMPLE = 0
    SAMPLE_LABEL = 1
    TRAIN_NOISE = 2
    TRAIN_LEVEL = 3
    TRAIN_DROPOUT = 4
    SHUFFLE = 5
    HELD_OUT = 6
    EVALUATION = 7
    LIKELIHOOD = 8
    JUDGE = 9
    JUDGE_SHIFT = 10


def words(seed: Tensor | int, item: Tensor | int, draw: int, stream: Stream, count: int) -> Tensor:
    """Return `count` 32-bit words for every item, as int64 in [0, 2^32), shape [B, count].

    `seed` and `item` are non-negative whole numbers or int64 tensors [B]; `seed` may use 63 bits, `item` 32,
    `draw` 32. The counter is (block, item, draw, stream), the key is the seed (Salmon et al. 2011).
    """
    seed, item = torch.as_tensor(seed), torch.as_tensor(item)
    device = seed.device if seed.ndim else item.device
    rows = max(seed.numel(), item.numel())
    blocks = -(-count // 4)
    # both halves of the counter as one tensor: the words that are multiplied, and those that are only added
    shape = (rows, blocks)
    factors = torch.tensor([0xD2511F53, 0xCD9E8D57], device=device).reshape(2, 1, 1)
    multiplied = torch.stack(
        [torch.arange(blocks, device=device).expand(shape), torch.full(shape, draw, device=device)]
    )
    added = torch.full((2, *shape), int(stream), device=device)
    added[0] = item.to(device).reshape(-1, 1)
    whole = seed.to(device).reshape(-1, 1)
    key = torch.stack([whole & _WORD, (whole >> 32) & _WORD])
    steps = torch.tensor([0x9E3779B9, 0xBB67AE85], device=device).reshape(2, 1, 1)
    for _ in range(10):
        # int64 wraps, and its bits are those of the product: its upper half may carry a sign, which is masked away
        product = (multiplied * factors).flip(0)
        multiplied = (product >> 32).bitwise_xor_(added).bitwise_xor_(key).bitwise_and_(_WORD)
        added = product.bitwise_and_(_WORD)
        key = (key + steps) & _WORD
    return torch.stack([multiplied, added], dim=1).permute(2, 3, 0, 1).reshape(rows, -1)[:, :count]


def uniforms(seed: Tensor | int, item: Tensor | int, draw: int, stream: Stream, count: int = 1) -> Tensor:
    """Return uniform numbers in the open interval (0, 1), float64 [B, count]; arguments as for `words`."""
    return (words(seed, item, draw, stream, count).double() + 0.5) / 2**32


def normals(seed: Tensor | int, item: Tensor | int, draw: int, stream: Stream, shape: Sequence[int]) -> Tensor:
    """Return standard normals, float32 [B, *shape]; arguments as for `words` (Box & Muller 1958).

    Computed in float64 and rounded once, so that another language repeats them to the last bit or next to it.
    """
    count = math.prod(shape)
    pairs = uniforms(seed, item, draw, stream, count + count % 2).unflatten(1, (-1, 2))
    radius = torch.sqrt(-2 * torch.log(pairs[..., 0]))
    angle = 2 * math.pi * pairs[..., 1]
    both = torch.stack([radius * torch.cos(angle), radius * torch.sin(angle)], dim=-1)
    return both.flatten(1)[:, :count].float().reshape(-1, *shape)


def spherical(near: Tensor, far: Tensor, turn: Tensor) -> Tensor:
    """Return the noise a share `turn` in [0, 1] (float64 [B]) of the way from `near` to `far`, both [B, ...].

    Along a quarter of a circle: of independent normals every point between is a normal of variance 1, as on a straight
    line it would not be (Shoemake 1985; White 2016, "Sampling generative networks"). The ends are exactly the two.
    """
    quarter = math.pi / 2
    shaped = turn.reshape(-1, *[1] * (near.ndim - 1)).to(near.device)
    # the sine from either end: it is exactly 0 and 1 there, where the cosine would leave 6e-17
    return (torch.sin(quarter * (1 - shaped)) * near + torch.sin(quarter * shaped) * far).to(near.dtype)


def permutation(seed: int, draw: int, stream: Stream, count: int) -> Tensor:
    """Return a permutation of range(count), int64 [count]: the order of its words, ties by place."""
    return torch.argsort(words(seed, 0, draw, stream, count)[0], stable=True)
