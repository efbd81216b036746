"""What an array holds, by its name in an archive, in a folder or in a dict: images or labels, and of which part."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal, NamedTuple

from inkwash.errors import UsageError

Part = Literal["train", "test", "val"]
Kind = Literal["images", "points", "labels", "classes"]

PART_WORDS: dict[str, Part] = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("test", "testing", "t10k"), "test"),
    **dict.fromkeys(("val", "valid", "validation", "dev"), "val"),
}
KIND_WORDS: dict[str, Kind] = {
    **dict.fromkeys(("images", "image", "imgs", "img", "pictures", "pixels", "samples"), "images"),
    **dict.fromkeys(("x", "data", "features", "inputs"), "images"),
    "points": "points",
    **dict.fromkeys(("labels", "label", "lbls", "y", "targets", "target"), "labels"),
    **dict.fromkeys(("names", "classes"), "classes"),
}


class Role(NamedTuple):
    """What an array holds, and of which part."""

    part: Part
    kind: Kind

    @property
    def name(self) -> str:
        """The name of the array that inkwash writes, and for messages: "images" or "test_labels"."""
        return self.kind if self.part == "train" else f"{self.part}_{self.kind}"


UNNAMED = {"arr_0": Role("train", "images"), "arr_1": Role("train", "labels")}
"""The names that `numpy.savez` gives to arrays without one, as in the samples of OpenAI's programs."""


RECORDS = frozenset({"seeds", "facts"})
"""Arrays that `inkwash sample` writes beside the images."""


class ParsedName(NamedTuple):
    """The role of an array by its name, and the other words: ("kmnist",) of "kmnist-train-imgs".

    `has_part` is whether the name has a word for the part, which is "train" otherwise.
    """

    role: Role
    others: tuple[str, ...]
    has_part: bool


def parse(name: str) -> ParsedName | None:
    """Return the role of an array of this name, such as "x_train" or "valLabels"; None if the name does not tell."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
    words = [part for word in re.findall(r"t10k|[a-z]+|[0-9]+", spaced) for part in _split(word)]
    parts = [PART_WORDS[word] for word in words if word in PART_WORDS]
    kinds = [KIND_WORDS[word] for word in words if word in KIND_WORDS]
    if len(parts) > 1 or not (parts or kinds):
        return None
    # The last word decides: "image_labels" are labels, "label_names" are the names of classes.
    role = Role(parts[0] if parts else "train", kinds[-1] if kinds else "images")
    others = tuple(word for word in words if word not in PART_WORDS and word not in KIND_WORDS)
    return ParsedName(role, others, bool(parts))


def _split(word: str) -> tuple[str, ...]:
    """Return "x", "train" for "xtrain"."""
    return (word[0], word[1:]) if word[0] in "xy" and word[1:] in PART_WORDS else (word,)


def roles(names: Iterable[str], where: str) -> dict[Role, str]:
    """Return the name of each array that holds a part of a data set, by its role.

    A lone array holds images, unless it is named otherwise. Of several names for one role, the one without other words is
    meant. Raises `UsageError`, naming `where`, where that leaves several.
    """
    names = list(names)
    if set(names) <= UNNAMED.keys():
        return {UNNAMED[name]: name for name in names}
    found: dict[Role, tuple[str, bool]] = {}
    for name in names:
        parsed = parse(name)
        if parsed is None:
            continue
        role, plain = parsed.role, not parsed.others
        if role in found and found[role][1] == plain:
            raise UsageError(
                f"{where} has '{found[role][0]}' and '{name}', which both seem to be its {role.name}: keep one of them",
                code="conflict",
                field="data",
            )
        if role not in found or plain:
            found[role] = name, plain
    if not found and len(names) == 1:
        return {Role("train", "images"): names[0]}
    return {role: name for role, (name, _) in found.items()}
