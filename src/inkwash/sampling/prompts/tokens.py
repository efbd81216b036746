"""Prompts as tokens: words and phrases of the lexicon, numbers, names of classes and pictures."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Literal

from inkwash.attributes import lexicon
from inkwash.attributes.lexicon import LEXICON
from inkwash.errors import UsageError
from inkwash.text import synonyms
from inkwash.text.printing import shortened

MAX_LENGTH = 2000
"""Characters of a prompt."""
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*")
_NUMBER = re.compile(r"(?P<number>[-+]?(?:\d+(?:\.\d+)?|\.\d+))(?P<plural>'?s(?![a-z]))?", re.IGNORECASE)
_RANGE = re.compile(r"\d{1,18}(?:\s*-\s*|\s+to\s+)\d{1,18}(?![\w.])")
_QUOTED = re.compile(r'"(?:[^"]|"")*"')
_PICTURE = re.compile(r""""(?P<double>[^"]+)"|'(?P<single>[^']+)'|(?P<bare>[^\s;"']*[^\s;"',.!?])""")
_GAP = re.compile(r"-|\s+")
_SPACE = re.compile(r"(?:\s|[.!?](?=\s|$)|-(?=[^\W\d_]))+")
_PHRASE_WORDS = max(phrase.count(" ") for phrase in LEXICON) + 1
_REPLACED = str.maketrans({"−": "-", "–": "-", "“": '"', "”": '"', "’": "'"})

TokenKind = lexicon.Kind | Literal["class", "range", "picture", "end"]


@dataclass(frozen=True)
class Token:
    """A part of a prompt: its kind and value (`lexicon.Word`), the text as written, and whether it is a plural.

    A "class" has the text of a label as its value, a "range" that of several, a "picture" its path.
    """

    kind: TokenKind
    text: str
    value: Any = None
    is_plural: bool = False


GRADED = ("adjective", "lean", "side", "noun", "level", "fixed", "comparative", "more")
"""Kinds of words that a grade stands before."""
END = Token("end", "the end")


def tokenize(text: str, classes: tuple[str, ...]) -> list[Token]:
    """Return the tokens of a prompt for a model with `classes`. Raises `UsageError` for words that have no meaning."""
    if len(text) > MAX_LENGTH:
        message = f"the prompt has {len(text):,} characters: write at most {MAX_LENGTH:,}"
        raise UsageError(message, code="too-large", field="prompt")
    found = list(_tokens(text, classes))
    return [each for token, following in pairwise([*found, END]) for each in _reading(token, following)]


def _reading(token: Token, following: Token) -> list[Token]:
    """Return what `token` means before `following`: "a little seven" is small, and "little ink" is of a noun."""
    if token.text in lexicon.LEVEL_WORDS and following.kind == "noun":
        return [replace(token, kind="level", value=lexicon.LEVEL_WORDS[token.text])]
    if token.text == "a little" and following.kind not in GRADED:
        return [Token("article", "a"), Token("adjective", "little", LEXICON["little"].value)]
    return [token]


def _tokens(written: str, classes: tuple[str, ...]) -> Iterator[Token]:
    names = _class_names(classes)
    # Of the same length: class names and paths are read as they are written.
    text = written.translate(_REPLACED)
    position = 0
    previous = END
    while position < len(text):
        space = _SPACE.match(text, position)
        if space:
            position = space.end()
            continue
        start = position
        if previous.kind == "like":
            previous, position = _picture(written, start)
        else:
            named = names.match(written, start) if names else None
            found = _class(named, classes) if named else _quoted(written, start) or _number(text, start)
            previous, position = found or _lexicon_token(text, start, classes)
        yield previous


def _class_names(classes: tuple[str, ...]) -> re.Pattern[str] | None:
    """Return the pattern of class names, the longest first, except for numbers and for words of the lexicon."""
    names = [name for name in classes if name.strip() and name.lower() not in LEXICON and not _NUMBER.fullmatch(name)]
    if not names:
        return None
    longest_first = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
    return re.compile(rf"(?<!\w)(?P<name>{longest_first})(?P<plural>e?s)?(?!\w)", re.IGNORECASE)


def _class(named: re.Match[str], classes: tuple[str, ...]) -> tuple[Token, int]:
    """Return the class that is `named`, in another case where none is written so, and the position after it."""
    lower = named["name"].lower()
    name = named["name"] if named["name"] in classes else next(each for each in classes if each.lower() == lower)
    quoted = '"' + name.replace('"', '""') + '"'
    return Token("class", named[0], quoted, bool(named["plural"])), named.end()


def _quoted(text: str, position: int) -> tuple[Token, int] | None:
    """Return the class in double quotes at `position`, None for none."""
    found = _QUOTED.match(text, position)
    return (Token("class", found[0], found[0]), found.end()) if found else None


def _number(text: str, position: int) -> tuple[Token, int] | None:
    """Return the number or range at `position`, None for none."""
    found = _RANGE.match(text, position)
    if found:
        return Token("range", found[0], re.sub(r"\s*(-|to)\s*", "-", found[0])), found.end()
    found = _NUMBER.match(text, position)
    if found:
        return Token("number", found["number"], float(found["number"]), bool(found["plural"])), found.end()
    return None


def _lexicon_token(text: str, position: int, classes: tuple[str, ...]) -> tuple[Token, int]:
    """Return the longest phrase of the lexicon at `position`; hyphens join words as spaces do."""
    ends: list[int] = []
    found = _WORD.match(text, position)
    while found and len(ends) < _PHRASE_WORDS:
        ends.append(found.end())
        gap = _GAP.match(text, found.end())
        found = _WORD.match(text, gap.end()) if gap else None
    for end in reversed(ends or [position + 1]):
        phrase = _GAP.sub(" ", text[position:end]).lower()
        if phrase in LEXICON:
            word = LEXICON[phrase]
            is_plural = phrase in lexicon.PLURALS or (word.kind == "any" and phrase.endswith("s"))
            return Token(word.kind, phrase, word.value, is_plural), end
    raise _unknown(text[position : ends[0]] if ends else text[position:].split()[0], classes)


def _picture(text: str, position: int) -> tuple[Token, int]:
    """Return the path after "like", to the next space or in quotes."""
    found = _PICTURE.match(text, position)
    if not found:
        raise UsageError("'like' in the prompt names no picture: write like FILE", code="invalid-value", field="prompt")
    path = found["double"] or found["single"] or found["bare"]
    return Token("picture", path, path), found.end()


def _unknown(word: str, classes: tuple[str, ...]) -> UsageError:
    """Return the error for a word that is neither in the lexicon nor a class, with the nearest one that is."""
    near = synonyms.nearest("word", word, [*classes, *LEXICON], cutoff=0.65)
    hint = f"did you mean '{near}'?" if near else "leave it out, or use one of bold, thin, slanted, upright, wide, ..."
    message = f"unknown word '{shortened(word)}' in the prompt: {hint} docs/words.md lists all words"
    return UsageError(message, code="unknown-name", field="prompt")
