"""Attributes of a prompt in numbers: words are quantiles of the training set, of the class where one is named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from inkwash.attributes import ATTRIBUTES, measure
from inkwash.attributes.lexicon import ANCHORS
from inkwash.data import ink
from inkwash.data.spec import QUANTILES, AttributeSpec, DatasetSpec
from inkwash.errors import UsageError, renamed_fields
from inkwash.sampling.class_labels import names_are_numbers
from inkwash.sampling.editing import Edit
from inkwash.sampling.prompts.grammar import Description

DIGITS = 4
"""Significant digits of a value that comes from a word or a picture."""


def attribute_values(description: Description, spec: DatasetSpec) -> dict[str, float]:
    """Return the attributes of `description` for a model of `spec`, without changes of an image to edit.

    Words and numbers override the attributes of its picture, and comparisons change them. Raises `UsageError` for attributes
    that the model is not conditioned on, and for a picture without strokes.
    """
    specs = {each.name: each for each in spec.attributes}
    if not specs:
        message = (
            "the model was trained without attributes: name only classes in the prompt, or use a model such as words"
        )
        raise UsageError(message, code="unsupported", field="prompt")
    found = {} if description.picture is None else picture_values(Path(description.picture), spec)
    for name, wanted in description.wanted.items():
        if name not in specs:
            message = f"'{wanted.text}' in the prompt is of {name}, which the model does not take: it takes {', '.join(specs)}"
            raise UsageError(message, code="unsupported", field="prompt")
        if wanted.value is not None:
            found[name] = wanted.value
        elif wanted.fraction is not None:
            found[name] = word_value(specs[name], wanted.fraction, description.label)
        elif wanted.change is not None and name in found:
            found[name] = _rounded(found[name] + wanted.change * specs[name].std)
    return found


def attribute_changes(description: Description, spec: DatasetSpec) -> dict[str, float]:
    """Return by how much `description` changes attributes of an image to edit; a picture in it is what it compares with."""
    if description.picture is not None:
        return {}
    stds = {each.name: each.std for each in spec.attributes}
    changes = {name: each.change for name, each in description.wanted.items()}
    return {name: _rounded(change * stds[name]) for name, change in changes.items() if change is not None}


def word_value(spec: AttributeSpec, fraction: float, label: int | None = None) -> float:
    """Return the value of a word with this `fraction`: a quantile of the training images, of class `label` if given.

    For an attribute with an anchor, fractions from 0.5 to 1 are those of the images above the anchor, and those from 0 to
    0.5 of the images below. The value is in the range of all images.
    """
    anchor = ANCHORS.get(spec.name)
    if anchor is not None:
        if fraction == 0.5:
            return anchor
        fractions = np.linspace(0, 1, 1001)
        middle = float(np.interp(anchor, np.interp(fractions, QUANTILES, spec.quantiles_of(label)), fractions))
        fraction = 2 * fraction * middle if fraction < 0.5 else middle + (2 * fraction - 1) * (1 - middle)
    low, high = spec.range
    return _rounded(min(max(spec.quantile(fraction, label), low), high))


def picture_values(path: Path, spec: DatasetSpec) -> dict[str, float]:
    """Return the attributes of the strokes in an image file, light or dark, that a model of `spec` takes.

    The image is cropped and resized as one that sampling starts from. Raises `InkwashError` for a file that is not an
    image, `UsageError` for one without strokes.
    """
    with renamed_fields(image="prompt"):
        edit = Edit.read(spec, path)
    pixels = 255 - edit.image if ink.background(edit.image[None]) == "light" else edit.image
    names = [each.name for each in spec.attributes]
    values = dict(zip(names, measure(pixels[None], names)[0].tolist(), strict=True))
    if pixels.amin() == pixels.amax() or any(np.isnan(value) for value in values.values()):
        message = f"{path} has no strokes to measure: give an image of one digit"
        raise UsageError(message, code="invalid-data", field="prompt")
    return {name: _rounded(value) for name, value in values.items()}


def format_prompt(labels: Sequence[int | None], values: Sequence[Mapping[str, float]], classes: tuple[str, ...]) -> str:
    """Return the prompt of images with these classes and attributes, in numbers: "7 thickness 3.5 slant -10; 3"."""
    images = []
    for label, attributes in zip(labels, values, strict=True):
        name = "digit"
        if label is not None:
            is_bare = names_are_numbers(classes)
            name = classes[label] if is_bare else '"' + classes[label].replace('"', '""') + '"'
        images.append(" ".join([name, *(f"{each} {_decimal(value)}" for each, value in attributes.items())]))
    return "; ".join(images)


def format_descriptions(images: Sequence[Description], classes: tuple[str, ...]) -> str:
    """Return what a prompt was understood as: "7, thickness 85%; 3", a word as the share of images that it exceeds."""
    return "; ".join(_described(image, classes) for image in images)


def _described(image: Description, classes: tuple[str, ...]) -> str:
    anything = "any class" if classes and not names_are_numbers(classes) else "any digit"
    parts = [anything if image.label is None else classes[image.label]]
    for name, wanted in image.wanted.items():
        if wanted.value is not None:
            text = f"{wanted.value:g} {ATTRIBUTES[name].unit}".strip()
        elif wanted.fraction is not None:
            text = f"{wanted.fraction:.0%}"
        else:
            text = f"{wanted.change:+g} standard deviations"
        parts.append(f"{name} {text}")
    return ", ".join([*parts, *([f"the rest as in {image.picture}"] if image.picture else [])])


def _decimal(value: float) -> str:
    """Return a number without an exponent."""
    return np.format_float_positional(value, trim="-")


def _rounded(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")
