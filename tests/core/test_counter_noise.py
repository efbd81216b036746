"""Noise is a function of counters: Philox word for word, normal in law, and the same whatever the batch."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from inkwash.core.noise import Stream, normals, permutation, spherical, uniforms, words

WORD = 2**32


def philox(counter: list[int], key: list[int]) -> list[int]:
    """Ten rounds of Philox 4x32 on Python's whole numbers, from Salmon et al. 2011, section 3.3 and figure 3."""
    key_0, key_1 = key
    for _ in range(10):
        left, right = 0xD2511F53 * counter[0], 0xCD9E8D57 * counter[2]
        counter = [
            (right // WORD) ^ counter[1] ^ key_0,
            right % WORD,
            (left // WORD) ^ counter[3] ^ key_1,
            left % WORD,
        ]
        key_0, key_1 = (key_0 + 0x9E3779B9) % WORD, (key_1 + 0xBB67AE85) % WORD
    return counter


KNOWN_ANSWERS = {
    "zeros": ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    "ones": ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    "pi": ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
}


def numbers(text: str) -> list[int]:
    return [int(word, 16) for word in text.split()]


@pytest.mark.parametrize("name", KNOWN_ANSWERS)
def test_the_oracle_gives_the_known_answers_of_random123(name: str) -> None:
    counter, key, answer = map(numbers, KNOWN_ANSWERS[name])
    assert philox(counter, key) == answer


def test_the_first_words_are_a_known_answer() -> None:
    # of the published vectors, the only one that has the block index of a first block
    assert words(0, 0, 0, Stream(0), 4).tolist() == [numbers(KNOWN_ANSWERS["zeros"][2])]


@given(
    seed=st.integers(0, 2**63 - 1),
    item=st.integers(0, WORD - 1),
    draw=st.integers(0, WORD - 1),
    stream=st.sampled_from(Stream),
    count=st.integers(1, 21),
)
def test_words_are_philox_of_block_item_draw_and_stream(
    seed: int, item: int, draw: int, stream: Stream, count: int
) -> None:
    key = [seed % WORD, seed // WORD]
    expected = [word for block in range(6) for word in philox([block, item, draw, stream], key)]
    assert words(seed, item, draw, stream, count).tolist() == [expected[:count]]


@pytest.mark.parametrize("batch", [1, 7, 64])
def test_noise_is_the_same_bit_for_bit_in_any_batch(batch: int) -> None:
    everyone = normals(5, torch.arange(64), 3, Stream.SAMPLE, (1, 5, 3))
    pieces = [normals(5, items, 3, Stream.SAMPLE, (1, 5, 3)) for items in torch.arange(64).split(batch)]
    assert torch.equal(torch.cat(pieces), everyone)


def test_a_seed_an_image_is_the_same_as_one_call_an_image() -> None:
    seeds = torch.tensor([3, 2**40 + 1, 2**62])
    together = normals(seeds, 0, 2, Stream.SAMPLE, (4,))
    for row, seed in enumerate(seeds.tolist()):
        assert torch.equal(together[row], normals(seed, 0, 2, Stream.SAMPLE, (4,))[0])


def test_a_longer_draw_begins_with_the_shorter_one() -> None:
    long = normals(1, 2, 3, Stream.HELD_OUT, (41,))
    for count in range(1, 41):
        assert torch.equal(normals(1, 2, 3, Stream.HELD_OUT, (count,)), long[:, :count])


def test_noise_does_not_touch_the_global_generator() -> None:
    before = torch.get_rng_state()
    normals(0, torch.arange(4), 0, Stream.SAMPLE, (8,))
    permutation(0, 0, Stream.SHUFFLE, 8)
    assert torch.equal(torch.get_rng_state(), before)


COUNT = 40_000


def distance_to(cdf: torch.Tensor) -> float:
    """Return the Kolmogorov-Smirnov statistic of numbers whose expected distribution function, sorted, is `cdf`."""
    n = len(cdf)
    steps = torch.arange(n, dtype=torch.float64) / n
    return max((cdf - steps).max().item(), (steps + 1 / n - cdf).max().item())


@pytest.mark.parametrize("stream", Stream)
def test_uniforms_and_normals_follow_their_law(stream: Stream) -> None:
    # sqrt(-log(p / 2) / 2) / sqrt(n) is exceeded with probability p (Kolmogorov 1933)
    bound = math.sqrt(-math.log(1e-4 / 2) / 2 / COUNT)
    uniform = uniforms(11, 0, 0, stream, COUNT)[0]
    assert distance_to(uniform.sort().values) < bound
    normal = normals(11, 0, 1, stream, (COUNT,))[0].double()
    assert distance_to(torch.special.ndtr(normal.sort().values)) < bound


def test_every_uniform_lies_inside_the_cell_of_its_word_and_so_is_never_0_or_1() -> None:
    arguments = (11, torch.arange(50), 0, Stream.SAMPLE, 40)
    word, place = words(*arguments), uniforms(*arguments) * WORD
    assert (word < place).all() and (place < word + 1).all()


def test_normals_have_the_first_four_moments() -> None:
    normal = normals(4, torch.arange(COUNT // 8), 0, Stream.TRAIN_NOISE, (2, 4)).double().flatten()
    for power, mean, variance in ((1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96)):
        assert abs((normal**power).mean() - mean) < 4 * math.sqrt(variance / COUNT), power


def test_neighbours_in_seed_item_draw_stream_and_place_are_independent() -> None:
    shape = (COUNT // 4,)
    rows = [
        *(normals(seed, 0, 0, Stream.SAMPLE, shape) for seed in (0, 1, 2**32)),
        *(normals(0, item, 0, Stream.SAMPLE, shape) for item in (1, 2)),
        *(normals(0, 0, draw, Stream.SAMPLE, shape) for draw in (1, 2)),
        *(normals(0, 0, 0, stream, shape) for stream in list(Stream)[1:]),
    ]
    together = torch.cat([*rows, rows[0].roll(1, 1), rows[0].roll(2, 1)])
    correlation = torch.corrcoef(together.double()) - torch.eye(len(together), dtype=torch.float64)
    # the largest of about a hundred standard normals over sqrt(n)
    assert correlation.abs().max() < 4.5 / math.sqrt(shape[0])
    squares = torch.corrcoef(together.double() ** 2) - torch.eye(len(together), dtype=torch.float64)
    assert squares.abs().max() < 4.5 / math.sqrt(shape[0])


def test_the_number_of_a_stream_never_changes() -> None:
    # a picture that was drawn last year is drawn again by these numbers
    assert [stream.value for stream in Stream] == list(range(len(Stream)))
    assert Stream.SAMPLE == 0 and Stream.SHUFFLE == 5


@given(seed=st.integers(0, 2**63 - 1), draw=st.integers(0, WORD - 1), count=st.integers(1, 200))
def test_a_permutation_has_every_place_once(seed: int, draw: int, count: int) -> None:
    order = permutation(seed, draw, Stream.SHUFFLE, count)
    assert order.dtype == torch.int64
    assert order.sort().values.tolist() == list(range(count))


def test_a_permutation_sends_every_item_to_every_place_equally_often() -> None:
    trials, count = 3000, 5
    orders = torch.stack([permutation(seed, 0, Stream.SHUFFLE, count) for seed in range(trials)])
    table = torch.stack([torch.bincount(orders[:, place], minlength=count) for place in range(count)])
    # 25 binomial counts, and a chi-square of (5 - 1)^2 degrees: mean 16, standard deviation sqrt(32)
    expected = trials / count
    chi_square = ((table - expected) ** 2 / expected).sum().item()
    assert chi_square < 16 + 5 * math.sqrt(32)


def test_every_draw_shuffles_anew() -> None:
    orders = [permutation(0, draw, Stream.SHUFFLE, 50) for draw in range(5)]
    assert not any(torch.equal(now, nxt) for now, nxt in pairwise(orders))


def test_the_way_between_two_noises_ends_in_them_to_the_bit() -> None:
    near, far = (normals(seed, torch.arange(3), 0, Stream.SAMPLE, (1, 4, 4)) for seed in (1, 2))
    found = spherical(near, far, torch.tensor([0.0, 1.0, 0.0], dtype=torch.float64))
    assert torch.equal(found, torch.stack([near[0], far[1], near[2]]))


@pytest.mark.parametrize("turn", [0.1, 0.5, 0.8])
def test_noise_on_the_way_is_normal_and_as_near_to_either_end_as_its_angle(turn: float) -> None:
    near, far = (normals(seed, 0, 0, Stream.SAMPLE, (200_000,)) for seed in (1, 2))
    between = spherical(near, far, torch.tensor([turn], dtype=torch.float64))
    ordered = between.flatten().sort().values.double()
    law = torch.distributions.Normal(0.0, 1.0).cdf(ordered)
    steps = torch.arange(1, len(ordered) + 1) / len(ordered)
    # Kolmogorov and Smirnov: beyond 1.95 / sqrt(n) once in a thousand seeds
    assert float((law - steps).abs().max()) < 1.95 / math.sqrt(len(ordered))
    angle = math.acos(float(torch.corrcoef(torch.cat([near, between]))[0, 1]))
    assert angle == pytest.approx(turn * math.pi / 2, abs=0.01)


def test_no_two_streams_share_a_number() -> None:
    # an alias would be left out of the iteration
    assert len(Stream) == len(Stream.__members__)
