"""`sample --from, --mask, --noise, --seed 3..8, --label 3..8`: editing and interpolation."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from outcome import Inkwash, Runs, UsageErrorOf, read_metadata
from PIL import Image

from inkwash import api
from inkwash.io import png_metadata


def write_image(name: str, side: int = 80) -> None:
    """Write a vertical stroke, light on black."""
    pixels = np.zeros((side, side), np.uint8)
    pixels[side // 8 : -side // 8, side // 2 - side // 16 : side // 2 + side // 16] = 255
    Image.fromarray(pixels).save(name)


def test_sampling_from_an_image_changes_the_result_and_is_reproducible(runs: Runs, inkwash: Inkwash) -> None:
    write_image("one.png")
    flags = ("-n", 3, "--sampler", "ddim:3", "--columns", 3)
    assert inkwash("sample", runs.digits, "--from", "one.png", "--noise", 0.3, *flags, "-o", "edited.png").code == 0
    assert inkwash("sample", runs.digits, *flags, "-o", "unedited.png").code == 0
    edited, unedited = (png_metadata.read_pixels(name).astype(int) for name in ("edited.png", "unedited.png"))
    assert edited.shape == unedited.shape and (edited != unedited).any()
    # The image is part of the metadata, so that the file may change.
    Image.new("L", (80, 80)).save("one.png")
    again = inkwash("sample", "edited.png")
    assert again.code == 0 and "all pixels are equal" in again.err


def test_pixels_outside_the_mask_equal_those_of_the_image(runs: Runs, inkwash: Inkwash) -> None:
    write_image("one.png")
    mask = np.zeros((80, 80), np.uint8)
    mask[:40] = 255
    Image.fromarray(mask).save("mask.png")
    flags = ("-n", 4, "--sampler", "ddim:3", "-o", "filled.npz")
    assert inkwash("sample", runs.digits, "--from", "one.png", "--mask", "mask.png", *flags).code == 0
    images = np.load("filled.npz")["images"]
    below = images[:, 4:]
    assert (below == below[0]).all() and below.max() > 100
    assert (images[0, :4] != images[1, :4]).any()


def test_an_interpolation_is_one_row_and_its_film_runs_forwards_and_backwards(runs: Runs, inkwash: Inkwash) -> None:
    assert inkwash("sample", runs.digits, "--seed", "3..8", "-n", 5, "--sampler", "ddim:2", "-o", "path.png").code == 0
    row = png_metadata.read_pixels("path.png")
    assert row.shape[1] > 4 * row.shape[0]
    again = inkwash("sample", "path.png")
    assert again.code == 0 and "all pixels are equal" in again.err
    film = inkwash(
        "sample", runs.digits, "--label", "3..8", "-n", 5, "--sampler", "ddim:2", "--film", "-o", "path.webp"
    )
    assert film.code == 0
    with Image.open("path.webp") as moving:
        assert getattr(moving, "n_frames", 1) == 8


def test_single_images_of_an_interpolation_contain_their_position(runs: Runs, inkwash: Inkwash) -> None:
    assert inkwash("sample", runs.digits, "--seed", "3..8", "-n", 3, "--sampler", "ddim:2", "-o", "path").code == 0
    positions = [read_metadata(path)["turn"] for path in sorted(Path("path").iterdir())]
    assert positions == [0, 0.5, 1]


@pytest.mark.parametrize(("name", "code"), [("text.png", "damaged-file"), ("missing.png", "missing-file")])
def test_a_missing_or_unreadable_image_is_a_failure(name: str, code: str, runs: Runs, inkwash: Inkwash) -> None:
    Path("text.png").write_text("no image")
    write_image("one.png")
    for field, flags in (("image", ["--from", name]), ("mask", ["--from", "one.png", "--mask", name])):
        outcome = inkwash("sample", runs.digits, *flags)
        assert (outcome.code, outcome.kind) == (1, (code, field))
        assert name in outcome.message and "folder" not in outcome.message


def test_message_for_a_film_has_the_flags_of_its_command(runs: Runs, inkwash: Inkwash) -> None:
    write_image("one.png")
    flags = ("--from", "one.png", "--noise", 0.5, "--seed", 4, "--sampler", "ddim:2", "--film", "-n", 2)
    assert inkwash("sample", runs.digits, *flags, "-o", "film.png").code == 0
    message = inkwash("sample", "film.png").message
    for part in ("--film", "--seed 4", "--from IMAGE", "--noise 0.5", "--sampler ddim:2", "-n 2"):
        assert part in message


def write_drawing(path: str, ink: int, paper: tuple[int, ...]) -> None:
    """A vertical stroke of grey `ink` on `paper`, grey or with opacity 0."""
    pixels = np.full((32, 32, len(paper)), paper, np.uint8)
    pixels[6:26, 14:18] = (ink, ink, ink, 255)[: len(paper)]
    Image.fromarray(pixels).save(path)


@pytest.mark.parametrize(
    ("ink", "paper", "warned"),
    [
        (0, (255, 255, 255), True),
        (20, (200, 195, 190), True),
        (0, (0, 0, 0, 0), True),
        (255, (255, 255, 255, 0), False),
        (255, (0, 0, 0), False),
    ],
)
def test_ink_of_the_other_kind_than_the_models_data_is_reported_and_inverted(
    ink: int, paper: tuple[int, ...], warned: bool, runs: Runs, inkwash: Inkwash
) -> None:
    write_drawing("one.png", ink, paper)
    flags = ("--from", "one.png", "--noise", 0.01, "--sampler", "ddim:2", "-n", 1)
    outcome = inkwash("sample", runs.digits, *flags, "-o", "plain.png")
    assert outcome.code == 0 and ("--invert" in outcome.err) == warned
    inverted = inkwash("sample", runs.digits, *flags, "--invert", "-o", "inverted.png")
    assert inverted.code == 0 and ("--invert" in inverted.err) == (not warned)
    edits = [read_metadata(name)["request"]["edit"] for name in ("plain.png", "inverted.png")]
    assert "inverted" not in edits[0] and edits[1]["inverted"] is True
    seen = [np.asarray(Image.open(name).convert("L")).astype(int) for name in ("plain.png", "inverted.png")]
    # Almost no noise: the samples are the images that they start from.
    assert np.abs(seen[0] + seen[1] - 255).max() < 60
    assert inkwash("sample", "inverted.png").code == 0


def test_the_command_of_a_film_has_the_inversion(runs: Runs, inkwash: Inkwash) -> None:
    write_drawing("one.png", 0, (255, 255, 255))
    flags = ("--from", "one.png", "--invert", "--sampler", "ddim:2", "--film", "-n", 2)
    assert inkwash("sample", runs.digits, *flags, "-o", "film.png").code == 0
    assert " --invert" in inkwash("sample", "film.png").message


def test_inversion_without_an_image_is_refused(runs: Runs, usage_error: UsageErrorOf) -> None:
    assert usage_error("sample", runs.digits, "--invert") == ("missing-field", "from")


def test_python_warns_and_inverts(runs: Runs) -> None:
    write_drawing("one.png", 0, (255, 255, 255))
    options: dict[str, Any] = {"n": 1, "image": "one.png", "noise": 0.01, "sampler": "ddim:2"}
    with pytest.warns(UserWarning, match="invert=True"):
        api.sample(runs.digits, **options)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = api.sample(runs.digits, **options, invert=True)
    assert found.images[0, 0, 0] < 60 and found.images.max() > 100


def test_training_inverts_drawings_on_paper_and_resumes_with_them(inkwash: Inkwash) -> None:
    rng = np.random.default_rng(0)
    Path("paper").mkdir()
    for index in range(40):
        pixels = rng.integers(230, 256, (12, 12), dtype=np.uint8)
        pixels[2:10, rng.integers(3, 8) :][:, :2] = 10
        Image.fromarray(pixels).save(f"paper/{index}.png")
    small = ("--set", "network.widths=[8,8]", "--set", "training.batch=8", "--set", "sampling.preview=ddim:2")
    train = ("train", "digits", "--data", "paper", *small, "--steps", 2)
    warned = inkwash(*train, "--out", "plain")
    assert warned.code == 0 and "--invert" in warned.err
    inverted = inkwash(*train, "--invert", "--out", "inverted")
    assert inverted.code == 0 and "background" not in inverted.err
    assert [api.load(run).spec.background for run in ("plain", "inverted")] == ["light", "dark"]
    assert "invert = true" in Path("inverted/recipe.toml").read_text()
    assert inkwash("train", "inverted", "--steps", 4).code == 0
    assert inkwash("train", "inverted", "--invert", "--steps", 6).kind == ("no-effect", "invert")
