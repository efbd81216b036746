"""Prompts mean what a person would mean: a list of 60, laws of the grammar, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from raised import code_and_field

from inkwash.attributes import ATTRIBUTES, attribute_specs, lexicon
from inkwash.data import Dataset
from inkwash.data.spec import DatasetSpec
from inkwash.errors import InkwashError
from inkwash.sampling.prompts import Description, Wanted, parse_prompt
from inkwash.sampling.prompts.values import attribute_changes, attribute_values, format_prompt, word_value

DIGITS = tuple("0123456789")
LISTED = [line.split("\t") for line in Path(__file__).with_name("prompts.tsv").read_text().splitlines()[1:]]
BANDS = {
    "very-high": (0.93, 1),
    "high": (0.75, 0.93),
    "rather-high": (0.65, 0.85),
    "bit-high": (0.53, 0.72),
    "middle": (0.45, 0.55),
    "bit-low": (0.28, 0.47),
    "rather-low": (0.15, 0.35),
    "low": (0.07, 0.25),
    "very-low": (0, 0.07),
}
"""Fractions of the training images."""


def specified(classes: tuple[str, ...] = DIGITS) -> DatasetSpec:
    """Return the spec of a model with all attributes, whose values are uniform: 0 to 9 for class 0, 1 to 10 for class 1.

    The slant is -5 to 4 degrees, -4 to 5, ...
    """
    labels = torch.arange(len(classes)).repeat_interleave(1001)
    values = (labels + torch.linspace(0, 9, 1001).repeat(len(classes)))[:, None].repeat(1, len(ATTRIBUTES))
    values[:, list(ATTRIBUTES).index("slant")] -= 5
    data = Dataset("strokes", torch.zeros(2, 1, 28, 28, dtype=torch.uint8), torch.tensor([0, 1]), classes=classes)
    return replace(DatasetSpec.of(data), attributes=attribute_specs(list(ATTRIBUTES), values, labels))


SPEC = specified()


def meant(text: str) -> list[dict[str, str]]:
    """Return the images of the second column of the list, each with its class under ""."""
    images = []
    for part in text.split(" | "):
        label, _, rest = part.partition(" ")
        picture = {"like": rest.removeprefix("like=")} if rest.startswith("like=") else {}
        words, _, path = rest.partition(" like=")
        picture = {"like": path} if path else picture
        pairs = [] if rest.startswith("like=") else [word.split("=") for word in words.split()]
        images.append({"": label, **dict(pairs), **picture})
    return images


def test_the_list_has_60_prompts() -> None:
    assert len(LISTED) == len({prompt for prompt, _ in LISTED}) == 60


@pytest.mark.parametrize(("prompt", "meaning"), LISTED, ids=[prompt for prompt, _ in LISTED])
def test_prompts_mean_what_a_person_would_mean(prompt: str, meaning: str) -> None:
    images, expected = parse_prompt(prompt, DIGITS), meant(meaning)
    assert [str(image.label) if image.label is not None else "any" for image in images] == [
        each.pop("") for each in expected
    ]
    for image, wishes in zip(images, expected, strict=True):
        assert image.picture == wishes.pop("like", None)
        assert image.wanted.keys() == wishes.keys()
        for name, wish in wishes.items():
            wanted = image.wanted[name]
            if wish in BANDS:
                assert wanted.fraction is not None
                assert BANDS[wish][0] <= wanted.fraction <= BANDS[wish][1]
            else:
                assert wanted.value == float(wish)


ADJECTIVES = [
    (phrase, attributes, is_high)
    for attributes, ends in lexicon.OPPOSITES.items()
    for is_high, phrases in zip((True, False), ends, strict=True)
    for phrase in phrases
]
GRADES = [(phrase, fraction) for fraction, phrases in lexicon.GRADES.items() for phrase in phrases]


@pytest.mark.parametrize(("adjective", "attributes", "is_high"), ADJECTIVES, ids=[each[0] for each in ADJECTIVES])
def test_every_adjective_has_every_grade(adjective: str, attributes: tuple[str, ...], is_high: bool) -> None:
    for phrase, fraction in [("", lexicon.PLAIN), *GRADES]:
        (image,) = parse_prompt(f"{phrase} {adjective} seven", DIGITS)
        assert image.label == 7
        assert {name: wanted.fraction for name, wanted in image.wanted.items()} == pytest.approx(
            dict.fromkeys(attributes, fraction if is_high else 1 - fraction)
        )


ATTRIBUTE_WORDS = st.lists(
    st.sampled_from(["bold", "slightly slanted", "very wide", "rather short", "round", "dark", "two loops", "x 0.3"]),
    unique=True,
    min_size=1,
)


@given(ATTRIBUTE_WORDS, st.randoms(use_true_random=False), st.sampled_from([", ", " and ", " "]))
def test_the_order_of_adjectives_does_not_matter(words: list[str], random: Any, separator: str) -> None:
    shuffled = list(words)
    random.shuffle(shuffled)
    one, other = (parse_prompt(f"a {separator.join(each)}, 7", DIGITS) for each in (words, shuffled))
    assert one == other
    assert len(one[0].wanted) == len(words)


NUMBERS = st.decimals(-50, 50, places=3).map(float)


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.dictionaries(st.sampled_from(list(ATTRIBUTES)), NUMBERS)),
        min_size=1,
        max_size=5,
    ),
    st.sampled_from([DIGITS, ("a", 'the "second"', "wide", "7", "cat; dog’s"), ("4", "17", "05", "2026")]),
)
def test_a_written_prompt_parses_to_itself(
    images: list[tuple[int, dict[str, float]]], classes: tuple[str, ...]
) -> None:
    text = format_prompt([label for label, _ in images], [values for _, values in images], classes)
    found = parse_prompt(text, classes)
    assert [(each.label, {name: wanted.value for name, wanted in each.wanted.items()}) for each in found] == images


@pytest.mark.parametrize("prompt", [prompt for prompt, meaning in LISTED if "like=" not in meaning])
def test_the_numbers_of_a_prompt_are_a_prompt(prompt: str) -> None:
    images = parse_prompt(prompt, DIGITS)
    values = [attribute_values(image, SPEC) if image.wanted else {} for image in images]
    written = parse_prompt(format_prompt([image.label for image in images], values, DIGITS), DIGITS)
    assert [image.label for image in written] == [image.label for image in images]
    assert [attribute_values(image, SPEC) if image.wanted else {} for image in written] == values


def test_words_are_quantiles_of_the_class() -> None:
    (zero,) = parse_prompt("a bold zero, slanted", DIGITS)
    assert attribute_values(zero, SPEC) == pytest.approx({"thickness": 0.85 * 9, "slant": 0.7 * 4}, abs=0.01)
    (three,) = parse_prompt("a thin three", DIGITS)
    assert attribute_values(three, SPEC) == pytest.approx({"thickness": 3 + 0.15 * 9}, abs=0.01)


def test_half_a_slant_is_upright_and_words_for_sides_lie_on_them() -> None:
    slant = SPEC.attributes[list(ATTRIBUTES).index("slant")]
    values = [word_value(slant, fraction / 100, 3) for fraction in range(1, 100)]
    assert values == sorted(values)
    assert values[49] == 0
    assert values[48] < 0 < values[50]


CAT_CLASSES = ("T-shirt/top", "Ankle boot", "a", "A", "bold")


@pytest.mark.parametrize(
    ("prompt", "changes"),
    [
        ("bolder", {"thickness": 1}),
        ("make it bolder", {"thickness": 1}),
        ("this digit, bolder", {"thickness": 1}),
        ("this seven, a little thinner", {"thickness": -0.5}),
        ("much wider and slightly taller", {"width": 2, "height": 0.5}),
        ("smaller", {"width": -1, "height": -1}),
        ("more slanted", {"slant": 1}),
        ("much more slanted to the left", {"slant": -2}),
        ("more bold, less round", {"thickness": 1, "roundness": -1}),
        ("less thin", {"thickness": 1}),
        ("with narrower strokes", {"thickness": -1}),
        ("a bit less ink and more slant", {"ink": -0.5, "slant": 1}),
    ],
)
def test_comparatives_are_changes_by_standard_deviations(prompt: str, changes: dict[str, float]) -> None:
    (image,) = parse_prompt(prompt, DIGITS)
    stds = {each.name: each.std for each in SPEC.attributes}
    assert attribute_values(image, SPEC) == {}
    wanted = {name: change * stds[name] for name, change in changes.items()}
    assert attribute_changes(image, SPEC) == pytest.approx(wanted, rel=1e-3)


def test_comparatives_change_the_attributes_of_a_picture_in_the_prompt(tmp_path: Path) -> None:
    ink = torch.zeros(28, 28, dtype=torch.uint8)
    ink[4:24, 12:15] = 255
    Image.fromarray(ink.numpy()).save(tmp_path / "bar.png")
    (plain,), (bolder,) = (parse_prompt(f"{word}1 like {tmp_path}/bar.png", DIGITS) for word in ("", "bolder "))
    before, after = attribute_values(plain, SPEC), attribute_values(bolder, SPEC)
    std = next(each.std for each in SPEC.attributes if each.name == "thickness")
    assert after == pytest.approx(before | {"thickness": before["thickness"] + std}, rel=1e-3)
    assert attribute_changes(bolder, SPEC) == {}


def labels(prompt: str, classes: tuple[str, ...]) -> list[int | None]:
    return [image.label for image in parse_prompt(prompt, classes)]


def test_classes_that_are_not_digits_go_by_their_names() -> None:
    assert labels("a dark t-shirt/top and an ANKLE BOOT", CAT_CLASSES) == [0, 1]
    assert labels("three thin ankle boots", CAT_CLASSES) == [1, 1, 1]
    assert labels('"a", "A" and "bold"', CAT_CLASSES) == [2, 3, 4]
    assert labels("1", CAT_CLASSES) == [1]
    assert labels("bold", CAT_CLASSES) == [None]
    assert labels("12", tuple(str(number) for number in range(5, 20))) == [7]


@pytest.mark.parametrize(
    ("prompt", "code"),
    [
        ("a blod seven", "unknown-name"),
        ("a blue seven", "unknown-name"),
        ("seven eigth", "unknown-name"),
        ("7 $", "unknown-name"),
        ("thin bold", "conflict"),
        ("a thin seven in bold strokes", "conflict"),
        ("7 thickness 2.5, very bold", "conflict"),
        ("upright slanted 7", "conflict"),
        ("3 like a.png, like b.png", "conflict"),
        ("a bold digit and a 7", "conflict"),
        ("a seven and a 7.5", "invalid-value"),
        ("-7", "invalid-value"),
        ("twelve", "out-of-range"),
        ("0 sevens", "invalid-value"),
        ("2000 sevens", "too-large"),
        ("7" * 1500, "too-large"),
        ("7 " * 1500, "too-large"),
        ("", "invalid-value"),
        ("a , the ;", "invalid-value"),
        ("very", "invalid-value"),
        ("very 7", "invalid-value"),
        ("very upright 7", "invalid-value"),
        ("medium 7", "invalid-value"),
        ("left 7", "invalid-value"),
        ("slant 10 px", "invalid-value"),
        ("12 degrees wide 7", "invalid-value"),
        ("size 12", "invalid-value"),
        ("thickness 7 =", "invalid-value"),
        ("= 7", "invalid-value"),
        ("7 px", "invalid-value"),
        ("slanted by -10 degrees to the left", "invalid-value"),
        ("without thickness", "invalid-value"),
        ("an eight with small loops", "invalid-value"),
        ("thickness", "invalid-value"),
        ("very medium width", "invalid-value"),
        ("bold 3 thin 5", "invalid-value"),
        ("7 like", "invalid-value"),
        ("very much bolder", "invalid-value"),
        ("very bolder 7", "invalid-value"),
        ("much bold 7", "invalid-value"),
        ("7, more", "invalid-value"),
        ("less slanted", "invalid-value"),
        ("more loops", "invalid-value"),
        ("2, smaller loop", "invalid-value"),
        ("larger width", "invalid-value"),
        ("bolder, bold 7", "conflict"),
        ('7 "77"', "unknown-name"),
    ],
)
def test_what_has_no_meaning_is_refused(prompt: str, code: str) -> None:
    assert code_and_field(lambda: parse_prompt(prompt, DIGITS)) == (code, "prompt")


@given(st.text(alphabet=st.sampled_from(list("7 a,;\"'-.:=°\n😀é")), max_size=30))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    check_parsed_or_refused(text)


@given(st.lists(st.sampled_from([*lexicon.LEXICON, "7", "2.5", "-3", "0-9", '"7"']), max_size=12).map(" ".join))
def test_any_words_are_parsed_or_refused(text: str) -> None:
    check_parsed_or_refused(text)


def check_parsed_or_refused(text: str) -> None:
    try:
        found = parse_prompt(text, DIGITS)
    except InkwashError as error:
        assert error.field == "prompt"
        assert "\n" not in str(error) or "\n" in text
    else:
        assert all(isinstance(each, Description) for each in found)


def test_the_nearest_word_is_named() -> None:
    for wrong, right in [("blod", "bold"), ("slnated", "slanted"), ("uprihgt", "upright"), ("sevn", "seven")]:
        with pytest.raises(InkwashError, match=f"'{wrong}' .*'{right}'"):
            parse_prompt(f"a {wrong} 7", DIGITS)


def test_attributes_need_a_model_that_takes_them() -> None:
    (image,) = parse_prompt("a bold seven with a loop", DIGITS)
    few = replace(SPEC, attributes=SPEC.attributes[:2])
    assert code_and_field(lambda: attribute_values(image, few)) == ("unsupported", "prompt")
    assert code_and_field(lambda: attribute_values(image, replace(SPEC, attributes=()))) == ("unsupported", "prompt")


@pytest.mark.parametrize("ground", [0, 255])
def test_a_picture_gives_its_attributes_and_words_override_them(tmp_path: Path, ground: int) -> None:
    ink = torch.full((28, 28), ground, dtype=torch.uint8)
    ink[4:24, 12:15] = 255 - ground
    Image.fromarray(ink.numpy()).save(tmp_path / "bar.png")
    Image.fromarray(torch.full((28, 28), ground, dtype=torch.uint8).numpy()).save(tmp_path / "empty.png")
    spec = replace(
        SPEC, attributes=tuple(each for each in SPEC.attributes if each.name in ("thickness", "slant", "height"))
    )
    like = Description(1, {"slant": Wanted("slant 9", value=9.0)}, str(tmp_path / "bar.png"))
    assert attribute_values(like, spec) == pytest.approx({"thickness": 3, "slant": 9, "height": 20 * 0.96}, rel=0.08)
    (empty,) = parse_prompt(f'1 like "{tmp_path / "empty.png"}"', DIGITS)
    assert code_and_field(lambda: attribute_values(empty, spec)) == ("invalid-data", "prompt")
    (absent,) = parse_prompt(f"1 like '{tmp_path}/no.png'", DIGITS)
    assert code_and_field(lambda: attribute_values(absent, spec))[1] is not None
