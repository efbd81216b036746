"""A request is written into PNG metadata and read back, in the format of 0.1.0 as well."""

from __future__ import annotations

import json
from typing import Any

import pytest
import torch

from inkwash import load, sample
from inkwash.core import Karras, Stretch, Warped
from inkwash.errors import UsageError
from inkwash.sampling.editing import Edit
from inkwash.sampling.request import SampleRequest
from inkwash.sampling.run import resolve
from inkwash.viz.samples import RenderOptions

REQUEST_0_1_0: dict[str, Any] = {
    "model": "digits",
    "kind": "strip",
    "n": 3,
    "label": "3..8",
    "seed": 4,
    "seed_to": 9,
    "scale": 2,
    "columns": None,
    "settings": {
        "sampler": "ddim:5",
        "steps": None,
        "eta": 0.5,
        "temperature": 0.7,
        "schedule": {"kind": "karras", "rho": 5.0},
        "guidance": 2.0,
        "interval": [0.1, 0.9],
        "clip": True,
        "precision": "float32",
        "edit": None,
    },
}


def test_a_request_equals_what_is_read_from_its_json() -> None:
    for request in (
        SampleRequest(model="fast"),
        SampleRequest(model="fast", n=3, label="0-9", seed=4, seed_to=7, interval=(0.1, 0.9), clip=False),
        SampleRequest(model="fast", seed=(3, 1), label=(0, -1), label_to=2, schedule=Warped(Karras(), Stretch(0.5))),
    ):
        assert SampleRequest.from_dict(json.loads(json.dumps(request.to_dict()))) == request


def test_an_edit_in_a_request_equals_what_is_read_from_its_json() -> None:
    mask = torch.tensor([[True, False], [False, True]])
    edit = Edit(torch.arange(4, dtype=torch.uint8).reshape(1, 2, 2), mask, 1.0)
    values = json.loads(json.dumps(SampleRequest(model="fast", edit=edit).to_dict()))
    found = SampleRequest.from_dict(values).edit
    assert found is not None and found.mask is not None and found.noise == 1
    assert torch.equal(found.image, edit.image) and torch.equal(found.mask, mask)


def test_a_request_of_0_1_0_is_read() -> None:
    assert SampleRequest.from_dict(REQUEST_0_1_0) == SampleRequest(
        model="digits",
        n=3,
        label="3..8",
        seed=4,
        seed_to=9,
        sampler="ddim:5",
        eta=0.5,
        temperature=0.7,
        schedule=Karras(rho=5.0),
        guidance=2.0,
        interval=(0.1, 0.9),
        clip=True,
    )
    assert RenderOptions.from_metadata({"request": REQUEST_0_1_0}) == RenderOptions("strip", scale=2)


@pytest.mark.parametrize(
    "change",
    [
        {"n": "ten"},
        {"n": 0},
        {"settings": "ddim"},
        {"settings": {"charm": 3}},
        {"settings": {"eta": [[]]}},
        {"charm": 3},
        {"model": None},
        {"model": 3},
        {"seed": -1},
        {"settings": {"schedule": "none of them"}},
        {"settings": {"edit": {"picture": "", "mask": None, "noise": 0.5}}},
        {"settings": {"edit": 3}},
        {"label": "1" * 2**24},
    ],
)
def test_invalid_values_of_a_request_are_refused(change: dict[str, Any]) -> None:
    for values in (REQUEST_0_1_0, SampleRequest(model="fast").to_dict()):
        with pytest.raises(UsageError):
            SampleRequest.from_dict(values | change)


@pytest.mark.parametrize(
    "fields", [{"scale": 0}, {"columns": 0}, {"kind": "strip", "columns": 3}, {"kind": "mural"}, {"charm": 3}, 3]
)
def test_invalid_options_of_the_image_are_refused(fields: Any) -> None:
    with pytest.raises(UsageError):
        RenderOptions.from_metadata({"request": {}, "picture": fields})


@pytest.mark.parametrize(("fields", "count"), [({"label": (3, 4, 5)}, 3), ({"label": (3,)}, 1), ({}, 1)])
def test_the_number_of_requested_labels_is_known_where_fewer_are_sampled(fields: dict[str, Any], count: int) -> None:
    run = resolve(SampleRequest(n=2, sampler="ddim:2", **fields), load("digits", device="cpu"))
    assert (run.num_requested, len(run)) == (count, 2)


def test_labels_that_are_not_sampled_are_warned_of() -> None:
    with pytest.warns(UserWarning, match="3"):
        sample("digits", n=2, label=[3, 4, 5], sampler="ddim:2", progress=False)
    with pytest.warns(UserWarning, match="3"):
        sample("words", n=2, attributes={"thickness": [2, 3, 4]}, sampler="ddim:2", progress=False)
