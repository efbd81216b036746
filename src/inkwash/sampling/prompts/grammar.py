"""The grammar of prompts such as "a bold, slanted seven and a thin 3": digits and the words that describe them.

`docs/words.md` writes it out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from inkwash.errors import UsageError, renamed_fields
from inkwash.sampling.class_labels import names_are_numbers, parse_labels
from inkwash.sampling.prompts.cursor import Cursor, prompt_error
from inkwash.sampling.prompts.modifiers import Modifier, Wanted, is_measure, parse_modifier
from inkwash.sampling.prompts.tokens import END, Token, tokenize

MAX_IMAGES = 1000
"""Images that a prompt can list."""


@dataclass(frozen=True)
class Description:
    """What a prompt says of one image: a class index, None for any, attributes, and a picture that has the others."""

    label: int | None
    wanted: dict[str, Wanted]
    picture: str | None = None


@dataclass
class _Group:
    """Digits that share a description; a word after a digit has ended their list when it `is_closed`."""

    labels: list[int | None] = field(default_factory=list)
    wanted: dict[str, Wanted] = field(default_factory=dict)
    picture: str | None = None
    is_closed: bool = False

    def add(self, other: Modifier | _Group) -> None:
        """Add attributes. Raises `UsageError` where they contradict those before."""
        for name, wanted in other.wanted.items():
            before = self.wanted.setdefault(name, wanted)
            if before != wanted:
                message = (
                    f"'{before.text}' and '{wanted.text}' contradict each other in the prompt: a digit has one {name}"
                )
                raise UsageError(f"{message}; leave one out", code="conflict", field="prompt")
        if None not in (self.picture, other.picture) and self.picture != other.picture:
            message = f"the prompt names {self.picture} and {other.picture} for one digit: leave one out"
            raise UsageError(message, code="conflict", field="prompt")
        self.picture = self.picture or other.picture

    @property
    def is_described(self) -> bool:
        """Whether there are attributes or a picture."""
        return bool(self.wanted) or self.picture is not None


@dataclass
class _Chunk:
    """The words between two separators or articles: those before and after the digits in `after.labels`."""

    before: _Group = field(default_factory=_Group)
    after: _Group = field(default_factory=_Group)
    has_article: bool = False
    is_trailing: bool = False

    @property
    def labels(self) -> list[int | None]:
        return self.after.labels


def parse_prompt(text: str, classes: tuple[str, ...]) -> tuple[Description, ...]:
    """Return the images that `text` describes, for a model with `classes`.

    Raises `UsageError` for words without meaning, for contradictions, and for a prompt that describes nothing.
    """
    parser = _Parser(Cursor(tokenize(text, classes)), classes)
    found = parser.parse()
    if not found:
        message = "the prompt is without a description: name a class or an attribute, as in 'a bold 7'"
        raise UsageError(message, code="invalid-value", field="prompt")
    if len({each.label is None for each in found}) > 1:
        message = "the prompt has a digit of any class beside one of a given class: name all classes, or none"
        raise UsageError(message, code="conflict", field="prompt")
    return tuple(found)


@dataclass
class _Parser:
    """The descriptions up to `cursor`: `pending` are words whose digit follows, `common` those of all digits."""

    cursor: Cursor
    classes: tuple[str, ...]
    groups: list[_Group] = field(default_factory=list)
    pending: _Group = field(default_factory=_Group)
    common: _Group = field(default_factory=_Group)

    def parse(self) -> list[Description]:
        """Return the descriptions of all images."""
        while self.cursor.ahead() is not END:
            if self.cursor.ahead().text == ":":
                self.cursor.position += 1
                continue
            separator = self.cursor.accept("separator")
            if separator is None:
                self._parse_chunk()
            elif separator.value:
                self._end_description()
        self._end_description()
        if not self.groups and self.common.is_described:
            self.groups.append(_Group([None]))
        self._require_few(sum(len(group.labels) for group in self.groups))
        for group in self.groups:
            group.add(self.common)
        return [Description(label, group.wanted, group.picture) for group in self.groups for label in group.labels]

    def _parse_chunk(self) -> None:
        """Parse the words up to a separator or an article, and add them to the descriptions."""
        cursor, chunk = self.cursor, _Chunk()
        chunk.has_article = cursor.accept("article") is not None
        is_common = cursor.accept("scope") is not None
        if is_common:
            cursor.accept("article")
            if cursor.accept("any"):
                chunk.labels.extend(range(len(self.classes)) if self.classes else [None])
        start = cursor.position
        while (token := cursor.ahead()).kind not in ("separator", "end"):
            is_later = cursor.position > start or chunk.has_article or is_common
            if token.text == ":" or (token.kind in ("article", "scope") and is_later):
                break
            if cursor.accept("filler", "hand"):
                continue
            if token.kind in ("class", "range", "any") or (token.kind == "number" and not is_measure(cursor)):
                if chunk.after.is_described:
                    raise prompt_error(
                        f"'{token.text}' follows words that describe another digit", "write a comma between digits"
                    )
                self._add_labels(chunk)
            else:
                modifier = parse_modifier(cursor)
                chunk.is_trailing |= modifier.is_trailing
                (chunk.after if chunk.labels else chunk.before).add(modifier)
        if is_common and not chunk.labels:
            self.common.add(chunk.before)
        else:
            self._assemble(chunk)

    def _assemble(self, chunk: _Chunk) -> None:
        """Add the words of `chunk` to the digits that they belong to."""
        if not chunk.labels:
            is_trailing = chunk.is_trailing and self.groups and not self.pending.is_described
            (self._close() if is_trailing else self.pending).add(chunk.before)
            return
        if self.groups and chunk.has_article and self.pending.is_described:
            self._end_description()
        self.pending.add(chunk.before)
        if not self.groups or self.groups[-1].is_closed or chunk.has_article or self.pending.is_described:
            self.groups.append(self.pending)
            self.pending = _Group()
        group = self.groups[-1]
        group.labels.extend(chunk.labels)
        group.add(chunk.after)
        group.is_closed = chunk.after.is_described

    def _close(self) -> _Group:
        """Return the last group, whose list of digits is then complete."""
        self.groups[-1].is_closed = True
        return self.groups[-1]

    def _end_description(self) -> None:
        """Give the words that wait for a digit to the one before, or to a digit of any class."""
        if self.pending.is_described:
            if not self.groups:
                self.groups.append(_Group([None]))
            self._close().add(self.pending)
            self.pending = _Group()
        if self.groups:
            self._close()

    def _add_labels(self, chunk: _Chunk) -> None:
        """Add the next class to `chunk`, as often as a number before it says: "three sevens" are three images."""
        token, count = self.cursor.ahead(), 1
        if self._is_count():
            # A number begins a description, as an article does: "three bold sevens and two eights".
            count, chunk.has_article = self._whole_number(token), True
            if count == 0:
                raise prompt_error(f"'{token.text}' images", "write at least 1")
            self.cursor.position += 1
            while (token := self.cursor.ahead()).kind not in ("class", "any", "number"):
                chunk.before.add(parse_modifier(self.cursor))
        self.cursor.position += 1
        if token.kind != "any" and chunk.labels == [None]:
            chunk.labels.clear()  # "the digit seven"
        found = self._labels(token) if token.kind != "any" else [] if chunk.labels else [None]
        self._require_few(len(chunk.labels) + len(found) * count)
        chunk.labels.extend(label for label in found for _ in range(count))

    @staticmethod
    def _require_few(count: int) -> None:
        if count > MAX_IMAGES:
            message = f"the prompt lists more than {MAX_IMAGES:,} images: write fewer, and set n for more of each"
            raise UsageError(message, code="too-large", field="prompt")

    def _is_count(self) -> bool:
        """Return whether the next number is that of the images of a class after it, and not a digit."""
        if self.cursor.ahead().kind != "number" or self.cursor.ahead().is_plural:
            return False
        for count in range(1, len(self.cursor.tokens)):
            token = self.cursor.ahead(count)
            if token.kind in ("class", "any"):
                return token.is_plural or (token.kind == "class" and not names_are_numbers(self.classes))
            if token.kind in ("number", "separator", "article", "scope", "end"):
                return token.is_plural
        return False

    def _labels(self, token: Token) -> Sequence[int]:
        """Return the classes of a name, a range or a number, of which each numeral can be a class: 2026."""
        if not self.classes:
            message = f"'{token.text}' in the prompt has no effect: the model was trained without labels; leave it out"
            raise UsageError(message, code="no-effect", field="prompt")
        with renamed_fields(label="prompt"):
            if token.kind != "number":
                return parse_labels(token.value, self.classes)
            text = token.text if token.text.isdecimal() else str(self._whole_number(token))
            is_name = any(name.isdecimal() and int(name) == int(text) for name in self.classes)
            if not is_name and token.text.isdecimal() and all(each in self.classes for each in text):
                return [self.classes.index(each) for each in text]
            return parse_labels(text, self.classes)

    @staticmethod
    def _whole_number(token: Token) -> int:
        if not token.text.isalpha() and not token.text.isdecimal():
            raise prompt_error(
                f"'{token.text}' is not a class", "write a whole number, or what it measures, as in thickness 2.5"
            )
        return int(token.value)
