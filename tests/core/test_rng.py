"""Counter-based noise: Philox word for word, normally distributed, independent of the batch, one stream a purpose."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from inkwash.core import rng
from inkwash.core.rng import Stream, normals, permutation, philox_words, slerp, uniforms

WORD = 2**32


def philox(counter: list[int], key: list[int]) -> list[int]:
    """Return ten rounds of Philox 4x32 in Python integers: Salmon et al. (2011), section 3.3 and figure 3."""
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
def test_reference_philox_equals_the_known_answers_of_random123(name: str) -> None:
    counter, key, answer = map(numbers, KNOWN_ANSWERS[name])
    assert philox(counter, key) == answer


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
    draw %= len(stream.draws)
    counter = [item, stream.draws.start + draw, stream.number]
    expected = [word for block in range(6) for word in philox([block, *counter], key)]
    assert philox_words(seed, item, draw, stream, count).tolist() == [expected[:count]]


@pytest.mark.parametrize("batch", [1, 7, 64])
def test_noise_is_the_same_bit_for_bit_in_any_batch(batch: int) -> None:
    everyone = normals(5, torch.arange(64), 3, Stream.SAMPLE, (1, 5, 3))
    pieces = [normals(5, items, 3, Stream.SAMPLE, (1, 5, 3)) for items in torch.arange(64).split(batch)]
    assert torch.equal(torch.cat(pieces), everyone)


def test_a_tensor_of_seeds_equals_one_call_per_seed() -> None:
    seeds = torch.tensor([3, 2**40 + 1, 2**62])
    together = normals(seeds, 0, 2, Stream.SAMPLE, (4,))
    for row, seed in enumerate(seeds.tolist()):
        assert torch.equal(together[row], normals(seed, 0, 2, Stream.SAMPLE, (4,))[0])


def test_a_shorter_shape_is_a_prefix_of_a_longer_one() -> None:
    long = normals(1, 2, 3, Stream.TRAIN_NOISE, (41,))
    for count in range(1, 41):
        assert torch.equal(normals(1, 2, 3, Stream.TRAIN_NOISE, (count,)), long[:, :count])


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
def test_uniforms_and_normals_pass_kolmogorov_smirnov(stream: Stream) -> None:
    # sqrt(-log(p / 2) / 2) / sqrt(n) is exceeded with probability p (Kolmogorov, 1933)
    bound = math.sqrt(-math.log(1e-4 / 2) / 2 / COUNT)
    uniform = uniforms(11, 0, 0, stream, COUNT)[0]
    assert distance_to(uniform.sort().values) < bound
    normal = normals(12, 0, 0, stream, (COUNT,))[0].double()
    assert distance_to(torch.special.ndtr(normal.sort().values)) < bound


def test_uniforms_lie_strictly_between_0_and_1() -> None:
    arguments = (11, torch.arange(50), 0, Stream.SAMPLE, 40)
    word, place = philox_words(*arguments), uniforms(*arguments) * WORD
    assert (word < place).all() and (place < word + 1).all()


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


def test_numbers_and_draws_of_streams_never_change() -> None:
    # Images and published figures depend on them.
    last_number = [6, 6, *[7] * 14, 8, 8, 8]
    assert [stream.number for stream in Stream] == [*range(6), *last_number, *range(9, 20)]
    assert {stream.name: stream.draws.start for stream in Stream if stream.draws.start} == {
        "VALIDATION_NOISE": 1,
        "REFERENCE_SPLIT": 1,
        "EXTRA_MEASURE_ROWS": 2,
        "NEIGHBOUR_ROWS": 4,
        "FILE_ROWS": 5,
        "CONTROL_NOISE": 8,
        "CONTROL_BLENDS": 9,
        "CONTROL_LABELS": 10,
        "GALLERY_PAIRS": 12,
        "FRECHET_ORDER": 16,
        "FRECHET_BOOTSTRAP": 17,
        "KID_BLOCKS": 18,
        "C2ST_HALVES": 20,
        "TSTR_PARTNERS": 22,
        "LIKELIHOOD_DECODER": 1,
        "LIKELIHOOD_NOISE": 2,
    }


def test_no_two_streams_share_a_number_and_a_draw() -> None:
    assert len(Stream) == len(Stream.__members__)
    for first, second in combinations(Stream, 2):
        shared = range(max(first.draws.start, second.draws.start), min(first.draws.stop, second.draws.stop))
        assert first.number != second.number or not shared, (first, second)


def test_a_draw_that_belongs_to_another_stream_is_refused() -> None:
    with pytest.raises(IndexError):
        uniforms(0, 0, 1, Stream.VALIDATION_SPLIT)


FUNCTIONS = {"philox_words": 3, "uniforms": 3, "normals": 3, "permutation": 2}
"""Name of each random function -> position of its stream."""
ROOT = Path(__file__).parents[2]


def stream_arguments() -> Iterator[tuple[str, ast.expr]]:
    """Yield the file of each call of a random function outside of `core/rng.py`, and the stream that it passes."""
    own = Path(rng.__file__)
    package = own.parents[1]
    for file in [*package.glob("**/*.py"), *ROOT.glob("benchmarks/**/*.py"), *ROOT.glob("examples/*.py")]:
        if file == own:
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in FUNCTIONS:
                named = {keyword.arg: keyword.value for keyword in node.keywords}
                place = FUNCTIONS[node.func.id]
                yield file.name, named["stream"] if "stream" in named else node.args[place]


def test_every_caller_names_its_stream_and_every_stream_has_a_caller() -> None:
    found = [(file, ast.unparse(argument)) for file, argument in stream_arguments()]
    named = {f"Stream.{stream.name}" for stream in Stream}
    assert [(file, text) for file, text in found if text not in named] == []
    assert {text for _, text in found} == named


@given(seed=st.integers(0, 2**63 - 1), draw=st.integers(0, WORD - 1), count=st.integers(1, 200))
def test_permutation_contains_every_index_once(seed: int, draw: int, count: int) -> None:
    order = permutation(seed, draw, Stream.SHUFFLE, count)
    assert order.dtype == torch.int64
    assert order.sort().values.tolist() == list(range(count))


def test_permutations_are_uniform() -> None:
    trials, count = 3000, 5
    orders = torch.stack([permutation(seed, 0, Stream.SHUFFLE, count) for seed in range(trials)])
    table = torch.stack([torch.bincount(orders[:, place], minlength=count) for place in range(count)])
    # 25 binomial counts, and a chi-square of (5 - 1)^2 degrees: mean 16, standard deviation sqrt(32)
    expected = trials / count
    chi_square = ((table - expected) ** 2 / expected).sum().item()
    assert chi_square < 16 + 5 * math.sqrt(32)


def test_spherical_interpolation_reproduces_its_ends_exactly() -> None:
    near, far = (normals(seed, torch.arange(3), 0, Stream.SAMPLE, (1, 4, 4)) for seed in (1, 2))
    found = slerp(near, far, torch.tensor([0.0, 1.0, 0.0], dtype=torch.float64))
    assert torch.equal(found, torch.stack([near[0], far[1], near[2]]))


@pytest.mark.parametrize("fraction", [0.1, 0.5, 0.8])
def test_spherical_interpolation_is_standard_normal_at_the_angle_of_its_fraction(fraction: float) -> None:
    near, far = (normals(seed, 0, 0, Stream.SAMPLE, (200_000,)) for seed in (1, 2))
    between = slerp(near, far, torch.tensor([fraction], dtype=torch.float64))
    # The statistic of Kolmogorov and Smirnov exceeds 1.95 / sqrt(n) once in a thousand seeds.
    assert distance_to(torch.special.ndtr(between.double().flatten().sort().values)) < 1.95 / math.sqrt(200_000)
    angle = math.acos(float(torch.corrcoef(torch.cat([near, between]))[0, 1]))
    assert angle == pytest.approx(fraction * math.pi / 2, abs=0.01)
