"""The events of a sampling request: the same frames as the Python interface."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import pytest

import inkwash
from inkwash.core import CLEAN
from inkwash.sampling.request import SampleRequest
from inkwash.sampling.run import resolve, to_output
from inkwash.web.events import events
from inkwash.web.schemas import SampleBody

DIGITS = inkwash.load("digits")


def pixels(text: str, shape: list[int]) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), np.uint8).reshape(-1, *shape)


def events_of(model: inkwash.Model = DIGITS, **fields: Any) -> list[tuple[str, dict[str, Any]]]:
    return list(events(model, SampleBody(model=model.name, **fields)))


@pytest.mark.parametrize("sampler", ["ddpm", "ddim", "dpm++2m", "dpm++2m-sde", "heun"])
def test_last_frame_equals_samples_of_the_python_interface(sampler: str) -> None:
    begin, *steps, done = events_of(seeds=[3, 4, 5], labels=[1, 7], sampler=sampler, steps=4)
    assert [name for name, _ in (begin, *steps, done)] == ["begin"] + ["step"] * 5 + ["done"]
    expected = inkwash.sample(DIGITS, n=3, label=[1, 7], seed=3, sampler=sampler, steps=4)
    assert np.array_equal(pixels(steps[-1][1]["x"], begin[1]["shape"]), expected.values.numpy())
    assert begin[1]["labels"] == expected.labels.tolist() == [1, 7, 1]


def test_every_step_is_a_frame_of_the_sampling_run_with_its_level() -> None:
    begin, *steps, _ = events_of(seeds=[0, 1], sampler="ddim", steps=5)
    frames = list(resolve(SampleRequest(n=2, sampler="ddim", steps=5), DIGITS).frames())
    assert [step["step"] for _, step in steps] == list(range(6))
    for (_, step), frame, level in zip(steps, frames, begin[1]["levels"], strict=True):
        assert level["alpha"] == float(frame.level.alpha) and level["sigma"] == float(frame.level.sigma)
        for name, x in (("x", frame.x), ("denoised", frame.denoised)):
            assert np.array_equal(pixels(step[name], begin[1]["shape"]), to_output(DIGITS, x).numpy())
    assert frames[-1].level is CLEAN


@pytest.mark.parametrize(("steps", "max_frames"), [(5, 60), (40, 7), (3, 2)])
def test_max_frames_are_evenly_spaced_with_both_ends(steps: int, max_frames: int) -> None:
    found = [
        step["step"]
        for name, step in events_of(seeds=[0], sampler="ddim", steps=steps, max_frames=max_frames)
        if name == "step"
    ]
    assert found[0] == 0 and found[-1] == steps and len(found) == min(steps + 1, max_frames)
    gaps = np.diff(found)
    assert gaps.max() - gaps.min() <= 1


def test_interpolation_and_edit_equal_those_of_python() -> None:
    _, *steps, _ = events_of(seeds=[5] * 4, labels=[2], label_to=9, sampler="ddim", steps=3)
    expected = inkwash.sample(DIGITS, n=4, label="2..9", seed=5, sampler="ddim", steps=3)
    assert np.array_equal(pixels(steps[-1][1]["x"], list(DIGITS.spec.shape)), expected.values.numpy())
    side = DIGITS.spec.shape[-1]
    image = np.arange(side * side, dtype=np.uint8)
    mask = np.zeros(side * side, np.uint8)
    mask[: side * side // 2] = 1
    edit = {
        "image": base64.b64encode(image.tobytes()).decode(),
        "mask": base64.b64encode(mask.tobytes()).decode(),
        "noise": 1.0,
    }
    _, *steps, _ = events_of(seeds=[0, 1], edit=edit, sampler="ddim", steps=3)
    found = pixels(steps[-1][1]["x"], [side * side])
    assert np.array_equal(found[:, side * side // 2 :], np.tile(image[side * side // 2 :], (2, 1)))


def test_points_are_sent_as_float32_with_the_field() -> None:
    moons = inkwash.load("moons")
    _, *steps, _ = events_of(moons, seeds=list(range(30)), sampler="ddim", steps=3, field=True)
    last = np.frombuffer(base64.b64decode(steps[-1][1]["x"]), np.float32).reshape(30, 2)
    assert np.array_equal(last, inkwash.sample(moons, n=30, sampler="ddim", steps=3).values.numpy())
    assert "field" in steps[0][1] and "field" not in steps[-1][1]
    assert len(base64.b64decode(steps[0][1]["field"])) == 16 * 16 * 2 * 4


def test_steps_between_those_that_are_sent_are_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("inkwash.web.events.PROGRESS_INTERVAL", 0.0)
    found = events_of(seeds=[0], sampler="ddim", steps=9, max_frames=2)
    progress = [values["step"] for name, values in found if name == "progress"]
    assert progress == list(range(1, 9)) and [name for name, _ in found].count("step") == 2


@pytest.mark.parametrize(("labels", "is_warned"), [([1, 2, 3], True), ([1, 2], False), (None, False)])
def test_labels_that_no_image_has_are_warned_of(labels: list[int] | None, is_warned: bool) -> None:
    begin = events_of(seeds=[0, 1], labels=labels, sampler="ddim", steps=1)[0][1]
    assert ("warning" in begin) == is_warned
