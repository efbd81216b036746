"""The request in the metadata of an image as parameters of the view Sample, which then shows the same images."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from inkwash.core.samplers import parse_sampler
from inkwash.errors import UsageError
from inkwash.model import Model
from inkwash.sampling.labels import from_0_1_0, requested_labels
from inkwash.sampling.prompts.requests import prompt_in_numbers, with_prompt
from inkwash.sampling.request import SampleRequest
from inkwash.sampling.run import resolve
from inkwash.viz.samples import DEFAULT_COUNTS
from inkwash.web.catalog import Catalog
from inkwash.web.schemas import MAX_IMAGES

UNSUPPORTED = ("seed_to", "label_to", "schedule", "interval", "clip", "precision")
"""Fields without a control in the view Sample; any value but the default is refused."""


def sample_parameters(values: dict[str, Any], catalog: Catalog) -> dict[str, Any]:
    """Return the parameters of the URL for a request in metadata, `values`, with the name of its model.

    Raises `UsageError` for a request that is not valid or not of a model in `catalog`, and for what the view has no
    control for.
    """
    request = SampleRequest.from_dict(values)
    entry = next((each for each in catalog.entries() if request.model in (each.source, each.name)), None)
    if entry is None:
        message = f"the image is of {request.model}, which this server does not have: start inkwash serve with it"
        raise UsageError(message, code="unknown-name", field="model")
    model = catalog.model(entry.name)
    request = from_0_1_0(request, model.spec.classes)
    if (request.n or 0) > MAX_IMAGES:
        message = f"the image has {request.n:,} samples: the view Sample has at most {MAX_IMAGES}"
        raise UsageError(message, code="too-large", field="n")
    labels, end = requested_labels(request, model.spec.classes)
    default = SampleRequest()
    found = [name for name in UNSUPPORTED if getattr(request, name) != getattr(default, name)]
    if request.edit is not None:
        source = "an encoded picture (--encode)" if request.edit.encode else "a picture (--from)"
        message = f"the image was sampled from {source}, which the page does not restore"
        raise UsageError(
            f"{message}: run inkwash sample FILE, or load the picture in Edit", code="unsupported", field="edit"
        )
    if found or end is not None or isinstance(request.seed, tuple):
        name = found[0] if found else "label" if end is not None else "seed"
        message = f"the view Sample has no control for the {name} of the image: sample it again on the command line"
        raise UsageError(message, code="unsupported", field=name)
    kind, steps = (None, None) if request.sampler is None else parse_sampler(request.sampler)
    parameters: dict[str, Any] = {
        "model": entry.name,
        "n": len(resolve(request, model, DEFAULT_COUNTS["grid"])),
        "seed": request.seed,
        "sampler": kind,
        "steps": request.steps or steps,
        "guidance": request.guidance,
        "eta": request.eta,
        "temperature": None if request.temperature == 1 else request.temperature,
        "extrapolate": 1 if request.extrapolate else None,
    }
    return {
        name: value for name, value in (parameters | _conditions(request, labels, model)).items() if value is not None
    }


def _conditions(request: SampleRequest, labels: list[int] | None, model: Model) -> dict[str, Any]:
    """Return the prompt and what is set beside it; a prompt in numbers where its words would give other images."""
    classes, given = model.spec.classes, request.attributes or {}
    values = {name: each if isinstance(each, tuple) else (each,) for name, each in given.items()}
    in_order = labels is None or labels == sorted(set(labels), key=lambda label: (label < 0, label))
    if not model.spec.attributes:
        if not in_order:
            message = "the view Sample has no control for the order of the classes of the image"
            raise UsageError(f"{message}: sample it again on the command line", code="unsupported", field="label")
        return {"labels": _keys(labels, classes)}
    prompted = _meaning(request, model)
    own = {name: each for name, each in values.items() if name not in (prompted.attributes or {})}
    is_same = all(values.get(name) == each for name, each in (prompted.attributes or {}).items())
    is_same &= prompted.label is None or list(prompted.label) == labels
    single = all(len(set(each)) == 1 and each[0] is not None for each in own.values())
    if not (is_same and single and (in_order or prompted.label is not None)):
        return {"prompt": prompt_in_numbers(request, classes)}
    return {
        "prompt": prompted.prompt,
        "attributes": ",".join(f"{name}:{each[0]}" for name, each in own.items()) or None,
        "labels": _keys(labels, classes) if prompted.label is None else None,
    }


def _meaning(request: SampleRequest, model: Model) -> SampleRequest:
    """Return what the prompt of `request` means by itself; nothing without one, and for words that are no longer known."""
    nothing = SampleRequest(n=1)
    try:
        return nothing if request.prompt is None else with_prompt(nothing, request.prompt, model, allow_pictures=False)
    except UsageError:
        return nothing


def _keys(labels: list[int] | None, classes: tuple[str, ...]) -> str | None:
    """Return labels as the keys of the buttons of the page."""
    return (
        None if labels is None else ",".join("-1" if label < 0 else quote(classes[label], safe="") for label in labels)
    )
