"""The words for attributes in prompts: adjectives and their opposites, grades, nouns, units, and words without meaning.

`docs/words.md` lists them all; `tests/attributes/test_lexicon.py` compares it with these tables.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal[
    "adjective",  # value: (attributes, whether it is their high end)
    "fixed",  # an adjective without grades; value: (attribute, value)
    "lean",  # an adjective of slant, which a side may follow
    "side",  # value: whether it is the right
    "comparative",  # an adjective that compares with a given image; value: (attributes, whether it is more)
    "more",  # a comparison by an adjective or noun after it; value: whether it is more
    "much",  # a grade of comparisons
    "grade",  # value: the fraction of a high end
    "level",  # an adjective of nouns; value: the fraction
    "noun",  # value: attributes
    "unit",  # value: the unit of `ATTRIBUTES`
    "number",  # value: the number
    "any",  # a digit of any class
    "article",  # begins a new description
    "preposition",  # what follows belongs to the digit before; value: whether it negates
    "separator",  # between descriptions and between words; value: whether it ends a description
    "scope",  # what follows applies to all descriptions
    "like",  # a picture follows
    "filler",  # without meaning
    "equals",  # between a noun and its number
    "hand",  # a noun that adjectives stand before; without meaning
]

PLAIN = 0.85
"""The fraction of the training images that an adjective without a grade exceeds: "bold" is thicker than 85 % of them."""

GRADES: dict[float, tuple[str, ...]] = {
    0.99: ("extremely", "extraordinarily", "very very"),
    0.97: ("very", "really", "strongly", "highly"),
    0.75: ("rather", "quite", "fairly", "pretty", "moderately"),
    0.65: ("slightly", "a little", "a bit", "somewhat", "mildly"),
    0.58: ("very slightly",),
    0.5: ("not very", "not too", "not so", "not particularly"),
    0.35: ("not",),
}
"""Words before an adjective, by the fraction of the training images that it then exceeds; opposites are mirrored."""

OPPOSITES: dict[tuple[str, ...], tuple[tuple[str, ...], tuple[str, ...]]] = {
    ("thickness",): (
        ("bold", "thick", "heavy", "fat", "strong"),
        ("thin", "light", "fine", "delicate"),
    ),
    ("width",): (("wide", "broad"), ("narrow", "slim", "condensed")),
    ("height",): (("tall", "high"), ("short", "low")),
    ("width", "height"): (("large", "big"), ("small", "little")),
    ("ink",): (("dark", "inky"), ("pale", "faint")),
    ("roundness",): (("round", "rounded", "circular", "curvy"), ("angular", "elongated", "pointed")),
}
"""Adjectives of many and of few, by the attributes that they describe."""

COMPARATIVES: dict[tuple[str, ...], tuple[tuple[str, ...], tuple[str, ...]]] = {
    ("thickness",): (("bolder", "thicker", "heavier", "fatter", "stronger"), ("thinner", "lighter", "finer")),
    ("width",): (("wider", "broader"), ("narrower", "slimmer")),
    ("height",): (("taller", "higher"), ("shorter", "lower")),
    ("width", "height"): (("larger", "bigger"), ("smaller",)),
    ("ink",): (("darker", "inkier"), ("paler", "fainter")),
    ("roundness",): (("rounder", "curvier"), ()),
}
"""Adjectives of more and of less than a given image has, by the attributes that they change."""
MORE = {"more": True, "less": False}
"""Before an adjective of `OPPOSITES`, of slant, or a noun: the same comparison."""
STEPS: dict[float, tuple[str, ...]] = {2.0: ("much", "far"), 1.0: (), 0.5: GRADES[0.65]}
"""Words before a comparison, by the standard deviations of the training set by which it then changes an attribute."""

LEANING = ("slanted", "slanting", "sloped", "sloping", "leaning", "tilted", "inclined", "italic")
"""Adjectives of slant: to the right, where no side is named."""
SIDES = {True: ("right", "rightwards", "forward", "forwards"), False: ("left", "leftwards", "backward", "backwards")}
"""Sides of a slant; "to the right" as well."""
ANCHORS = {"slant": 0.0}
"""The value between the opposites of an attribute where that is not the median: half a slant is none."""

FIXED: dict[str, tuple[str, float]] = {
    "upright": ("slant", 0),
    "straight": ("slant", 0),
    "vertical": ("slant", 0),
    "open": ("holes", 0),
    "closed": ("holes", 1),
}
"""Adjectives with one value, which take no grade."""

NOUNS: dict[str, tuple[str, ...]] = {
    "thickness": ("thickness", "weight", "stroke thickness", "stroke width", "line thickness", "line width"),
    "slant": ("slant", "slope", "lean", "tilt"),
    "width": ("width",),
    "height": ("height",),
    "ink": ("ink",),
    "aspect": ("aspect",),
    "roundness": ("roundness",),
    "holes": ("holes", "hole", "loops", "loop"),
    "x": ("x",),
    "y": ("y",),
}
"""Names of attributes, for numbers ("thickness 2.5") and levels ("a strong slant")."""
SIZE = "size"
"""The noun of width and height together."""

LEVELS: dict[float, tuple[str, ...]] = {
    PLAIN: ("high", "strong", "large", "big", "great"),
    0.65: ("slight",),
    0.5: ("medium", "average", "normal", "typical"),
    1 - PLAIN: ("low", "small", "little", "weak"),
}
"""Adjectives before a noun of `NOUNS`, by the fraction of the training images that it then exceeds."""

UNITS = {"pixels": ("px", "pixel", "pixels"), "degrees": ("degrees", "degree", "deg", "°")}
NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
ANY = ("digit", "digits", "number", "numbers", "numeral", "numerals")
ARTICLES = ("a", "an", "the", "this", "some", "any", "another")
SEPARATORS = (",", "and", "&", "but", "then", "plus")
PREPOSITIONS = {"in": False, "with": False, "is": False, "are": False, "that is": False, "that are": False}
PREPOSITIONS |= {"without": True, "with no": True, "no": True}
SCOPES = ("all", "both", "each", "every")
LIKE = ("like",)
FILLERS = (
    "draw",
    "make",
    "it",
    "me",
    "write",
    "written",
    "drawn",
    "handwritten",
    "picture",
    "pictures",
    "image",
    "images",
    "of",
    "by",
    "please",
)
EQUALS = ("=", ":")
STROKES = ("stroke", "strokes", "line", "lines")
"""The words of `HANDS` whose width is the thickness."""
HANDS = ("hand", "handwriting", "writing", "style", "pen", *STROKES)


@dataclass(frozen=True)
class Word:
    """What a word or phrase means: a kind and the value that belongs to it."""

    kind: Kind
    value: Any = None


def _plural(name: str) -> str:
    return f"{name}es" if name.endswith("x") else f"{name}s"


def _words() -> Iterator[tuple[str, Word]]:
    """Yield every word and phrase with its meaning; where one has two, the parser chooses by what follows."""
    for fraction, phrases in LEVELS.items():
        yield from ((phrase, Word("level", fraction)) for phrase in phrases)
    for attributes, ends in OPPOSITES.items():
        for is_high, phrases in zip((True, False), ends, strict=True):
            yield from ((phrase, Word("adjective", (attributes, is_high))) for phrase in phrases)
    for attributes, ends in COMPARATIVES.items():
        for is_more, phrases in zip((True, False), ends, strict=True):
            yield from ((phrase, Word("comparative", (attributes, is_more))) for phrase in phrases)
    yield from ((word, Word("more", is_more)) for word, is_more in MORE.items())
    yield from ((word, Word("much")) for word in STEPS[2.0])
    yield from ((phrase, Word("lean")) for phrase in LEANING)
    for is_right, sides in SIDES.items():
        yield from ((side, Word("side", is_right)) for side in sides)
        yield f"to the {sides[0]}", Word("side", is_right)
    yield from ((phrase, Word("fixed", value)) for phrase, value in FIXED.items())
    for fraction, phrases in GRADES.items():
        yield from ((phrase, Word("grade", fraction)) for phrase in phrases)
    for attribute, phrases in NOUNS.items():
        yield from ((phrase, Word("noun", (attribute,))) for phrase in phrases)
    yield SIZE, Word("noun", ("width", "height"))
    for unit, phrases in UNITS.items():
        yield from ((phrase, Word("unit", unit)) for phrase in phrases)
    for number, name in enumerate(NUMBERS):
        yield name, Word("number", number)
        yield _plural(name), Word("number", number)
    yield "zeroes", Word("number", 0)
    yield from ((phrase, Word("preposition", negates)) for phrase, negates in PREPOSITIONS.items())
    yield from ((phrase, Word("separator", False)) for phrase in SEPARATORS)
    yield ";", Word("separator", True)
    kinds: tuple[tuple[Kind, tuple[str, ...]], ...] = (
        ("any", ANY),
        ("article", ARTICLES),
        ("scope", SCOPES),
        ("like", LIKE),
        ("filler", FILLERS),
        ("equals", EQUALS),
        ("hand", HANDS),
    )
    for kind, phrases in kinds:
        yield from ((phrase, Word(kind)) for phrase in phrases)


LEXICON: dict[str, Word] = dict(_words())
"""Every word and phrase, in lower case."""
LEVEL_WORDS = {phrase: fraction for fraction, phrases in LEVELS.items() for phrase in phrases}
PLURALS = frozenset({*map(_plural, NUMBERS), "zeroes"})
"""Plurals of number words: "three sevens" are three images."""
