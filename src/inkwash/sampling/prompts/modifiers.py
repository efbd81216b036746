"""Words that describe a digit: "very bold", "leaning a little to the left", "thickness 2.5", "with a loop", "like FILE"."""

from __future__ import annotations

from dataclasses import dataclass, field

from inkwash.attributes import ATTRIBUTES, lexicon
from inkwash.attributes.lexicon import PLAIN
from inkwash.sampling.prompts.cursor import Cursor, prompt_error
from inkwash.sampling.prompts.tokens import END, Token


@dataclass(frozen=True)
class Wanted:
    """What words request of an attribute: a `value`, a `fraction` of the training images that it exceeds, or a `change`.

    The fraction of an attribute with an anchor is 0.5 there: `inkwash.attributes.lexicon.ANCHORS`. A change is of a given
    image, in standard deviations of the training set. `text` are the words, for messages.
    """

    text: str = field(compare=False)
    fraction: float | None = None
    value: float | None = None
    change: float | None = None


@dataclass(frozen=True)
class Modifier:
    """Attributes, or a picture that has them; `is_trailing` where the words stand after the digit that they describe."""

    wanted: dict[str, Wanted]
    picture: str | None = None
    is_trailing: bool = False


def is_measure(cursor: Cursor) -> bool:
    """Return whether the next number is of an attribute, as in "12 px wide" and "two loops", and not a digit."""
    following, last = cursor.ahead(1), cursor.ahead(2)
    is_number_of = following.value == ("holes",) and last.kind not in (
        "number",
        "equals",
    )  # but "8 holes 2" is an eight
    return following.kind == "unit" or (following.kind == "noun" and is_number_of)


def parse_modifier(cursor: Cursor) -> Modifier:
    """Return the attributes of the next words. Raises `UsageError` for words that are none."""
    start = cursor.position
    preposition = cursor.accept("preposition")
    if preposition:
        cursor.accept("article")
        while cursor.accept("hand"):  # "with lines that are bold"
            pass
        preposition = cursor.accept("preposition") or preposition
    if cursor.accept("like"):
        token = cursor.accept("picture")
        if token is None:
            raise prompt_error("'like' without a picture", "write like FILE")
        return Modifier({}, token.value, is_trailing=True)
    if preposition and preposition.value:
        return Modifier(_without(cursor, start), is_trailing=True)
    before = cursor.position
    wanted = _described(cursor, start)
    has_noun = any(token.kind in ("noun", "unit", "number") for token in cursor.tokens[before : cursor.position])
    while token := cursor.accept("hand"):
        has_noun = True
        if token.text in lexicon.STROKES and set(wanted) == {"width"}:
            wanted = {"thickness": wanted["width"]}  # "narrow strokes"
    return Modifier(wanted, is_trailing=preposition is not None or has_noun)


def _described(cursor: Cursor, start: int) -> dict[str, Wanted]:
    """Return the attributes of an adjective with its grade, of a noun with its level or number, or of a measure."""
    grade = cursor.accept("grade", "much")
    if cursor.ahead().kind in ("comparative", "more"):
        return _compared(cursor, grade, start)
    if grade is not None and grade.kind == "much":
        raise prompt_error(f"'{grade.text}' without a comparison", f"write {grade.text} bolder, or very bold")
    fraction = PLAIN if grade is None else float(grade.value)
    token = cursor.ahead()
    if token.kind == "number" and grade is None:
        return _measure(cursor, start)
    if token.kind == "fixed":
        cursor.position += 1
        if grade is not None:
            remedy = "write slightly slanted, or leaning left" if token.value[0] == "slant" else "leave it out"
            raise prompt_error(f"'{grade.text}' before '{token.text}', which has no grades,", remedy)
        name, value = token.value
        return {name: Wanted(token.text, value=float(value))}
    if token.kind == "adjective":
        cursor.position += 1
        names, is_high = token.value
        exceeded = fraction if is_high else round(1 - fraction, 2)
        return {name: Wanted(cursor.since(start), exceeded) for name in names}
    if token.kind in ("lean", "side"):
        return _leaning(cursor, grade, start)
    if token.kind in ("level", "noun"):
        return _noun(cursor, grade, start)
    text = token.text if grade is None else grade.text if token is END else f"{grade.text} {token.text}"
    raise prompt_error(
        f"'{text}' does not describe a digit", "write an adjective such as bold, or a number as in thickness 2.5"
    )


def _compared(cursor: Cursor, grade: Token | None, start: int) -> dict[str, Wanted]:
    """Return the changes of "a little bolder", "much more slanted to the left" or "less ink"."""
    written = grade.text if grade else ""
    step = next((size for size, words in lexicon.STEPS.items() if written in words), None if grade else 1.0)
    if step is None:
        raise prompt_error(f"'{cursor.since(start)}' before a comparison", "write slightly bolder, or much bolder")
    token = cursor.accept("comparative")
    if token is not None:
        names, is_more = token.value
        if cursor.ahead().kind == "noun":
            noun = cursor.ahead().text
            raise prompt_error(f"'{token.text} {noun}' compares no attribute", "write wider, or more width")
    else:
        token = cursor.accept("more")
        assert token is not None  # The caller has seen it.
        is_more = bool(token.value)
        word = cursor.accept("adjective", "noun", "lean")
        names = () if word is None else ("slant",) if word.kind == "lean" else word.value
        if word is not None and word.kind == "adjective":
            names, is_high = word.value
            is_more = is_more == is_high
    if not names or "holes" in names:
        raise prompt_error(f"'{cursor.since(start)}' compares nothing", "write bolder, more slanted or less ink")
    if names == ("slant",):
        side = cursor.accept("side")
        if not is_more:
            raise prompt_error(
                f"'{cursor.since(start)}' has no direction", "write more slanted to the left, or upright"
            )
        is_more = side is None or bool(side.value)
    return {name: Wanted(cursor.since(start), change=step if is_more else -step) for name in names}


def _leaning(cursor: Cursor, grade: Token | None, start: int) -> dict[str, Wanted]:
    """Return the slant of "leaning a little to the left", "left-leaning", "slanted by 10 degrees"."""
    side = cursor.accept("side")
    if side and cursor.ahead().kind == "noun":
        return _noun(cursor, grade, start, side)
    if not cursor.accept("lean"):
        raise prompt_error(f"'{cursor.since(start)}' without a slant", f"write leaning {cursor.since(start)}")
    while cursor.accept("filler"):
        pass
    if side is None and cursor.ahead().kind == "number" and cursor.ahead(1).kind == "unit":
        return _measure(cursor, start, "slant")
    grade = grade or cursor.accept("grade")
    return {"slant": _slant(cursor, grade, side or cursor.accept("side"), start)}


def _slant(cursor: Cursor, grade: Token | None, side: Token | None, start: int) -> Wanted:
    """Return a slant in words: to the right where no `side` is given, but "not slanted" is upright."""
    fraction = PLAIN if grade is None else float(grade.value)
    if side is None and fraction <= 0.5:
        return Wanted(cursor.since(start), value=0.0)
    return Wanted(cursor.since(start), fraction if side is None or side.value else round(1 - fraction, 2))


def _noun(cursor: Cursor, grade: Token | None, start: int, side: Token | None = None) -> dict[str, Wanted]:
    """Return the attribute of "thickness 2.5", "a very strong slant to the left", "medium width" or "a loop"."""
    level = cursor.accept("level")
    noun = cursor.accept("noun")
    if noun is None:
        raise prompt_error(
            f"'{cursor.since(start)}' without an attribute", f"write {cursor.since(start)} thickness, or width"
        )
    name = noun.value[0]
    if level is None and grade is None and side is None:
        while cursor.ahead().kind == "equals" or cursor.ahead().text in ("of", "is", "are"):
            cursor.position += 1
        if cursor.ahead().kind == "number":
            return _measure(cursor, start, *noun.value)
        following = cursor.ahead()
        if following.text in lexicon.LEVEL_WORDS:
            level = following
            cursor.position += 1
    if level is not None:
        if name == "holes":
            raise prompt_error(f"'{cursor.since(start)}' is of no attribute", "write their number, as in two loops")
        fraction = float(level.value) if level.kind == "level" else lexicon.LEVEL_WORDS[level.text]
        if grade is not None:
            if fraction not in (PLAIN, 1 - PLAIN):
                raise prompt_error(f"'{cursor.since(start)}' has two grades", f"leave '{grade.text}' out")
            fraction = float(grade.value) if fraction == PLAIN else 1 - float(grade.value)
        if name == "slant":
            side = side or cursor.accept("side")
            fraction = 1 - fraction if side and not side.value else fraction
        return {each: Wanted(cursor.since(start), round(fraction, 2)) for each in noun.value}
    if name == "slant":
        return {name: _slant(cursor, grade, side or cursor.accept("side"), start)}
    if noun.text in ("loop", "hole") and grade is None:
        return {name: Wanted(noun.text, value=1.0)}
    raise prompt_error(
        f"'{noun.text}' without a value", f"write a number or a level, as in {noun.text} 2 or high {noun.text}"
    )


def _measure(cursor: Cursor, start: int, *names: str) -> dict[str, Wanted]:
    """Return the value of "2.5", "-10 degrees", "10 degrees to the left" of attributes `names`, or of "12 px wide"."""
    number = cursor.accept("number")
    assert number is not None  # The caller has seen it.
    unit = cursor.accept("unit")
    if not names:
        following = cursor.accept("adjective", "noun", "lean") or cursor.ahead()
        if following.kind in ("lean", "side"):
            names = ("slant",)
        elif following.kind in ("adjective", "noun"):
            names = following.value[0] if following.kind == "adjective" else following.value
    if len(names) != 1:
        raise prompt_error(f"'{cursor.since(start)}' is not of one attribute", "write 12 px wide, or thickness 2.5")
    (name,), value = names, float(number.value)
    if unit is not None and unit.value != ATTRIBUTES[name].unit:
        known = ATTRIBUTES[name].unit
        raise prompt_error(
            f"'{cursor.since(start)}' has the wrong unit", f"{name} is in {known}" if known else f"{name} has none"
        )
    side = cursor.accept("side") if name == "slant" else None
    if side:
        cursor.accept("lean")
        if number.text[0] in "+-":
            raise prompt_error(f"'{cursor.since(start)}' has a sign and a side", "leave one out")
        value = value if side.value else -value
    return {name: Wanted(cursor.since(start), value=value)}


def _without(cursor: Cursor, start: int) -> dict[str, Wanted]:
    """Return the attribute of "without a slant" or "no loops"."""
    noun = cursor.accept("noun")
    if noun is None or noun.value[0] not in ("slant", "holes"):
        raise prompt_error(f"'{cursor.since(start)}' has no meaning", "write without a slant, or without a loop")
    return {noun.value[0]: Wanted(cursor.since(start), value=0.0)}
