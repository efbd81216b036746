"""What the page is told is what the command line draws: the same seed, the same image, every moment of its path."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import pytest

import inkwash
from inkwash.core import CLEAN
from inkwash.sampling.request import SampleRequest
from inkwash.sampling.run import resolve, to_output
from inkwash.web.events import command, events
from inkwash.web.schemas import DrawingAsked

DIGITS = inkwash.load("digits")


def pixels(text: str, shape: list[int]) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), np.uint8).reshape(-1, *shape)


def told(model: inkwash.Model = DIGITS, **asked: Any) -> list[tuple[str, dict[str, Any]]]:
    return list(events(model, DrawingAsked(model=model.name, **asked)))


@pytest.mark.parametrize("sampler", ["ddpm", "ddim", "dpm++2m", "dpm++2m-sde", "heun"])
def test_the_last_moment_is_what_python_and_the_command_draw(sampler: str) -> None:
    begin, *steps, done = told(seeds=[3, 4, 5], labels=[1, 7], sampler=sampler, steps=4)
    assert [name for name, _ in (begin, *steps, done)] == ["begin"] + ["step"] * 5 + ["done"]
    alone = inkwash.sample(DIGITS, n=3, label=[1, 7], seed=3, sampler=sampler, steps=4)
    assert np.array_equal(pixels(steps[-1][1]["x"], begin[1]["shape"]), alone.values.numpy())
    assert begin[1]["labels"] == alone.labels.tolist() == [1, 7, 1]


def test_every_moment_is_a_frame_of_the_one_iterator_with_its_level() -> None:
    begin, *steps, _ = told(seeds=[0, 1], sampler="ddim", steps=5)
    walk = list(resolve(SampleRequest(n=2, sampler="ddim", steps=5), DIGITS).frames())
    assert [step["step"] for _, step in steps] == list(range(6))
    for (_, step), frame, level in zip(steps, walk, begin[1]["levels"], strict=True):
        assert level["alpha"] == float(frame.level.alpha) and level["sigma"] == float(frame.level.sigma)
        for name, x in (("x", frame.x), ("denoised", frame.denoised)):
            assert np.array_equal(pixels(step[name], begin[1]["shape"]), to_output(DIGITS, x).numpy())
    assert walk[-1].level is CLEAN


@pytest.mark.parametrize(("steps", "most"), [(5, 60), (40, 7), (3, 2)])
def test_of_many_steps_some_are_told_evenly_and_both_ends(steps: int, most: int) -> None:
    found = [
        step["step"] for name, step in told(seeds=[0], sampler="ddim", steps=steps, moments=most) if name == "step"
    ]
    assert found[0] == 0 and found[-1] == steps and len(found) == min(steps + 1, most)
    gaps = np.diff(found)
    assert gaps.max() - gaps.min() <= 1


def test_a_way_and_an_edit_are_those_of_python() -> None:
    _, *steps, _ = told(seeds=[5] * 4, labels=[2], far={"label": 9}, sampler="ddim", steps=3)
    along = inkwash.sample(DIGITS, n=4, label="2..9", seed=5, sampler="ddim", steps=3)
    assert np.array_equal(pixels(steps[-1][1]["x"], list(DIGITS.spec.shape)), along.values.numpy())
    side = DIGITS.spec.shape[-1]
    picture = np.arange(side * side, dtype=np.uint8)
    mask = np.zeros(side * side, np.uint8)
    mask[: side * side // 2] = 1
    edit = {"picture": base64.b64encode(picture).decode(), "paint": base64.b64encode(mask).decode(), "noise": 1.0}
    _, *steps, _ = told(seeds=[0, 1], edit=edit, sampler="ddim", steps=3)
    found = pixels(steps[-1][1]["x"], [side * side])
    assert np.array_equal(found[:, side * side // 2 :], np.tile(picture[side * side // 2 :], (2, 1)))


def test_points_come_as_numbers_with_the_field_around_them() -> None:
    moons = inkwash.load("moons")
    _, *steps, _ = told(moons, seeds=list(range(30)), sampler="ddim", steps=3, field=True)
    last = np.frombuffer(base64.b64decode(steps[-1][1]["x"]), np.float32).reshape(30, 2)
    assert np.array_equal(last, inkwash.sample(moons, n=30, sampler="ddim", steps=3).values.numpy())
    assert "field" in steps[0][1] and "field" not in steps[-1][1]
    assert len(base64.b64decode(steps[0][1]["field"])) == 16 * 16 * 2 * 4


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"seeds": [3, 4]}, "inkwash sample digits -n 2 --seed 3"),
        ({"seeds": [3], "labels": [7], "steps": 5}, "inkwash sample digits -n 1 --seed 3 --label 7 --steps 5"),
        ({"seeds": [0, 1], "labels": [1, -1]}, "inkwash sample digits -n 2 --seed 0 --label 1,none"),
        ({"seeds": [3, 3], "far": {"seed": 8}}, "inkwash sample digits -n 2 --seed 3..8"),
        ({"seeds": [3, 3], "labels": [1], "far": {"label": 2}}, "inkwash sample digits -n 2 --seed 3 --label 1..2"),
        ({"seeds": [0], "guidance": 1.2345678}, "inkwash sample digits -n 1 --seed 0 --guidance 1.2345678"),
        ({"seeds": [1, 1], "far": {"label": 8}}, None),
        ({"seeds": [1, 1], "labels": [-1], "far": {"label": -1}}, None),
        ({"seeds": [1, 1], "far": {}}, None),
        ({"seeds": [3, 3]}, None),
        ({"seeds": [3, 4], "far": {"seed": 8}}, None),
        ({"seeds": [3, 9]}, None),
    ],
)
def test_the_command_that_draws_the_same_is_told_where_there_is_one(asked: dict[str, Any], words: str | None) -> None:
    request = DrawingAsked(model="digits", **asked)
    assert command("digits", request) == words
