"""`sample --from, --mask, --noise, --seed 3..8, --label 3..8`: editing and interpolation."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from inkwash.io import png_metadata


def write_image(name, side=80, ink=True):
    pixels = np.zeros((side, side), np.uint8)
    if ink:
        pixels[side // 8 : -side // 8, side // 2 - side // 16 : side // 2 + side // 16] = 255
    Image.fromarray(pixels).save(name)
    return name


def test_sampling_from_an_image_changes_the_result_and_is_reproducible(runs, inkwash):
    write_image("one.png")
    flags = ("-n", 3, "--sampler", "ddim:3", "--columns", 3)
    assert inkwash("sample", runs.digits, "--from", "one.png", "--noise", 0.3, *flags, "-o", "near.png").code == 0
    assert inkwash("sample", runs.digits, *flags, "-o", "free.png").code == 0
    near, free = (png_metadata.read_pixels(name).astype(int) for name in ("near.png", "free.png"))
    assert near.shape == free.shape and (near != free).any()
    # The image is part of the metadata, so that the file may change.
    Image.new("L", (80, 80)).save("one.png")
    again = inkwash("sample", "near.png")
    assert again.code == 0 and "every pixel" in again.err


def test_pixels_outside_the_mask_equal_those_of_the_image(runs, inkwash):
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


def test_an_interpolation_is_one_row_and_its_film_runs_forwards_and_backwards(runs, inkwash):
    assert (
        inkwash("sample", runs.digits, "--seed", "3..8", "-n", 5, "--sampler", "ddim:2", "-o", "between.png").code == 0
    )
    row = png_metadata.read_pixels("between.png")
    assert row.shape[1] > 4 * row.shape[0]
    again = inkwash("sample", "between.png")
    assert again.code == 0 and "every pixel" in again.err
    film = inkwash(
        "sample", runs.digits, "--label", "3..8", "-n", 5, "--sampler", "ddim:2", "--film", "-o", "between.webp"
    )
    assert film.code == 0
    with Image.open("between.webp") as moving:
        assert moving.n_frames == 8


def test_single_images_of_an_interpolation_contain_their_position(runs, inkwash):
    assert inkwash("sample", runs.digits, "--seed", "3..8", "-n", 3, "--sampler", "ddim:2", "-o", "between").code == 0
    positions = [png_metadata.read_metadata(path)["turn"] for path in sorted(Path("between").iterdir())]
    assert positions == [0, 0.5, 1]


@pytest.mark.parametrize(
    ("flags", "cause"),
    [
        (("--noise", 0.5), "--noise"),
        (("--mask", "one.png"), "--mask"),
        (("--from", "one.png", "--noise", 0), "noise is 0"),
        (("--from", "one.png", "--noise", 1), "noise is 1"),
        (("--from", "one.png", "--mask", "black.png"), "mask is empty"),
        (("--seed", "3..x"), "3..x"),
        (("--seed", "3..-8"), "seed is -8"),
        (("--label", "0-3..5"), "4 classes"),
        (("--label", "3..99"), "99"),
        (("--label", "3.."), "label ''"),
    ],
)
def test_flags_without_effect_or_out_of_range_are_refused(flags, cause, runs, refused):
    write_image("one.png")
    write_image("black.png", ink=False)
    assert cause in refused("sample", runs.digits, *flags)


def test_a_missing_or_unreadable_image_is_a_failure(runs, inkwash):
    Path("text.png").write_text("no picture")
    for name, cause in (("text.png", "cannot be read as an image"), ("gone.png", "is missing")):
        outcome = inkwash("sample", runs.digits, "--from", name)
        assert outcome.code == 1 and cause in outcome.complaint


def test_points_take_no_image(runs, refused):
    write_image("one.png")
    assert "points" in refused("sample", runs.points, "--from", "one.png")


def test_the_message_for_a_film_names_the_flags_of_its_command(runs, inkwash, refused):
    write_image("one.png")
    flags = ("--from", "one.png", "--noise", 0.5, "--seed", 4, "--sampler", "ddim:2", "--film", "-n", 2)
    assert inkwash("sample", runs.digits, *flags, "-o", "film.png").code == 0
    told = refused("sample", "film.png")
    for part in ("--film", "--seed 4", "--from ITS-IMAGE", "--noise 0.5", "--sampler ddim:2", "-n 2"):
        assert part in told
