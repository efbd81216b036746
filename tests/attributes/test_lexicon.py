"""The lexicon is complete and without double meanings, and docs/words.md has all of it.

`INKWASH_WRITE_WORDS=1` rewrites the tables of that document.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from inkwash.attributes import ATTRIBUTES, lexicon
from inkwash.sampling.prompts import parse_prompt
from inkwash.sampling.prompts.tokens import tokenize
from inkwash.sampling.prompts.values import format_descriptions

DOCUMENT = Path(__file__).parents[2] / "docs" / "words.md"
DIGITS = tuple("0123456789")
EXAMPLES = (
    "a bold, slanted seven",
    "a very bold 7, slightly slanted",
    "thin round 0, wide",
    "an upright four",
    "a seven leaning slightly to the left",
    "2026 in a light hand",
    "bold 3, 5 and 8",
    "a bold 3 and a 5",
    "3 and thin 5, both wide",
    "two small nines",
    "7 thickness 2.5, slant -10 degrees",
    "a zero 12 px wide",
    "a six with a loop",
    "a two without a loop",
    "a tall 1 of medium thickness",
    "a thin nine like runs/mine.png",
    "bold digit",
    "this two, much bolder and a little wider",
    "a nine like runs/mine.png, more slanted to the left",
)


def words(phrases: tuple[str, ...]) -> str:
    return ", ".join(f"`{phrase}`" for phrase in phrases)


def table(*rows: tuple[str, ...]) -> str:
    header, *body = rows
    return "\n".join(f"| {' | '.join(row)} |" for row in (header, ("---",) * len(header), *body))


def examples() -> str:
    rows = [(f"`{prompt}`", format_descriptions(parse_prompt(prompt, DIGITS), DIGITS)) for prompt in EXAMPLES]
    return table(("prompt", "images"), *rows)


def tables() -> str:
    opposites = [(" and ".join(names), words(high), words(low)) for names, (high, low) in lexicon.OPPOSITES.items()]
    comparatives = [
        (" and ".join(names), words(more), words(less) or "-") for names, (more, less) in lexicon.COMPARATIVES.items()
    ]
    sides = [words(lexicon.SIDES[is_right]) + f", `to the {lexicon.SIDES[is_right][0]}`" for is_right in (True, False)]
    slant = ("slant", f"{words(lexicon.LEANING)}, alone or with {sides[0]}", f"the same with {sides[1]}")
    grades = [
        (f"{fraction:.0%}", f"{1 - fraction:.0%}", words(phrases)) for fraction, phrases in lexicon.GRADES.items()
    ]
    grades.insert(2, (f"{lexicon.PLAIN:.0%}", f"{1 - lexicon.PLAIN:.0%}", "without a grade"))
    nouns = [(name, ATTRIBUTES[name].unit or "-", words(phrases)) for name, phrases in lexicon.NOUNS.items()]
    prepositions = {
        negates: words(tuple(k for k, v in lexicon.PREPOSITIONS.items() if v is negates)) for negates in (False, True)
    }
    others = [
        ("unit", ", ".join(words(phrases) for phrases in lexicon.UNITS.values())),
        ("number", f"{words(lexicon.NUMBERS)}; plurals: {words(tuple(sorted(lexicon.PLURALS)))}; numerals"),
        ("any", words(lexicon.ANY)),
        ("article", words(lexicon.ARTICLES)),
        ("separator", f"{words(lexicon.SEPARATORS)}, `;`"),
        ("preposition", f"{prepositions[False]}; negating: {prepositions[True]}"),
        ("scope", words(lexicon.SCOPES)),
        ("like", words(lexicon.LIKE)),
        ("equals", words(lexicon.EQUALS)),
        ("filler", f"{words(lexicon.FILLERS)}: without meaning"),
        (
            "hand",
            f"{words(lexicon.HANDS)}: without meaning, after adjectives; the width of a stroke or line is its thickness",
        ),
    ]
    return "\n\n".join(
        [
            "Each `adjective` of an attribute, and its opposite; those of slant are `lean` and `side`:",
            table(("attribute", f"much: {lexicon.PLAIN:.0%}", f"little: {1 - lexicon.PLAIN:.0%}"), *opposites, slant),
            "Each `fixed` adjective has one value:",
            table(
                ("adjective", "attribute", "value"),
                *((f"`{word}`", name, f"{value:g}") for word, (name, value) in lexicon.FIXED.items()),
            ),
            "Each `comparative` and its opposite, for `--encode` and `like FILE`:",
            table(("attribute", "more", "less"), *comparatives),
            f"{words(tuple(lexicon.MORE))} before an adjective, a `lean` or a noun is a comparative too. They change the "
            "attribute by one standard deviation of the training set; with `much` or a grade by another number:",
            table(
                ("standard deviations", "words"),
                *((f"{size:g}", words(phrases) or "without one") for size, phrases in lexicon.STEPS.items()),
            ),
            "Each `grade`, and the share of training images that the image then exceeds:",
            table(("much", "little", "grade"), *grades),
            f"Each `noun`; `{lexicon.SIZE}` is width and height:",
            table(("attribute", "unit", "noun"), *nouns),
            "Each `level`, before a noun:",
            table(("share", "level"), *((f"{share:.0%}", words(phrases)) for share, phrases in lexicon.LEVELS.items())),
            "All other words:",
            table(("kind", "words"), *others),
        ]
    )


@pytest.mark.parametrize(("name", "content"), [("examples", examples), ("lexicon", tables)])
def test_the_document_has_the_tables_of_the_lexicon(name: str, content: object) -> None:
    assert callable(content)
    text = DOCUMENT.read_text(encoding="utf-8")
    before, start, rest = text.partition(f"<!-- {name} -->\n")
    _, end, after = rest.partition(f"<!-- end of {name} -->\n")
    assert start and end
    expected = f"{before}{start}\n{content()}\n\n{end}{after}"
    if os.environ.get("INKWASH_WRITE_WORDS"):
        DOCUMENT.write_text(expected, encoding="utf-8")
    assert DOCUMENT.read_text(encoding="utf-8") == expected


def test_every_word_and_kind_is_in_the_document() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    named = set(re.findall(r"`([^`\n]+)`", text))
    assert set(lexicon.LEXICON) <= named
    grammar = re.search(r"```text\n(.*?)```", text, re.DOTALL)
    assert grammar is not None
    assert set(get_args(lexicon.Kind)) <= set(re.findall(r"\w+", grammar[1]))


def phrases() -> Iterator[tuple[str, str]]:
    """Yield the name of each table with each of its phrases."""
    for ends in lexicon.COMPARATIVES.values():
        yield from (("comparative", phrase) for side in ends for phrase in side)
    yield from (("more", phrase) for phrase in lexicon.MORE)
    yield from (("much", phrase) for phrase in lexicon.STEPS[2])
    for ends in lexicon.OPPOSITES.values():
        yield from (("adjective", phrase) for side in ends for phrase in side)
    for kind, table_ in (("grade", lexicon.GRADES), ("level", lexicon.LEVELS), ("noun", lexicon.NOUNS)):
        yield from ((kind, phrase) for row in table_.values() for phrase in row)
    yield from (("lean", phrase) for phrase in lexicon.LEANING)
    yield from (("side", phrase) for row in lexicon.SIDES.values() for phrase in row)
    for kind in ("fixed", "numbers", "any", "articles", "separators", "prepositions", "scopes", "fillers", "hands"):
        yield from ((kind, phrase) for phrase in getattr(lexicon, kind.upper()))


def test_a_word_has_one_meaning_but_for_levels() -> None:
    found: dict[str, list[str]] = {}
    for kind, phrase in phrases():
        found.setdefault(phrase, []).append(kind)
    twice = {phrase: kinds for phrase, kinds in found.items() if len(kinds) > 1}
    assert all(sorted(kinds) == ["adjective", "level"] for kinds in twice.values()), twice


@pytest.mark.parametrize("phrase", sorted(lexicon.LEXICON))
def test_every_phrase_is_one_token(phrase: str) -> None:
    # "a little" is a grade only before an adjective.
    token, *others = tokenize(f"{phrase} bold" if phrase == "a little" else phrase, ())
    assert token.text == phrase
    assert len(others) == (phrase == "a little")


def test_comparatives_are_of_adjectives_of_the_same_attributes() -> None:
    for names, ends in lexicon.COMPARATIVES.items():
        for compared, plain in zip(ends, lexicon.OPPOSITES[names], strict=True):
            # "fatter" and "inkier" begin as "fat" and "inky" do.
            assert all(any(word.startswith(each[:3]) for each in plain) for word in compared)


def test_attributes_of_the_lexicon_are_those_of_the_table() -> None:
    named = {name for names in lexicon.OPPOSITES for name in names} | {name for name, _ in lexicon.FIXED.values()}
    assert named | set(lexicon.ANCHORS) <= set(ATTRIBUTES) == set(lexicon.NOUNS)
    assert set(lexicon.UNITS) == {each.unit for each in ATTRIBUTES.values()} - {""}
