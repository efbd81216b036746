"""`sample --from, --mask, --noise, --seed 3..8, --label 3..8`: what is drawn, what is kept, what is refused."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from inkwash.io import png_metadata


def drawing(name, side=80, ink=True):
    pixels = np.zeros((side, side), np.uint8)
    if ink:
        pixels[side // 8 : -side // 8, side // 2 - side // 16 : side // 2 + side // 16] = 255
    Image.fromarray(pixels).save(name)
    return name


def test_a_picture_is_gone_on_from_and_the_drawing_can_be_drawn_again(runs, inkwash):
    drawing("one.png")
    flags = ("-n", 3, "--sampler", "ddim:3", "--columns", 3)
    assert inkwash("sample", runs.digits, "--from", "one.png", "--noise", 0.3, *flags, "-o", "near.png").code == 0
    assert inkwash("sample", runs.digits, *flags, "-o", "free.png").code == 0
    near, free = (png_metadata.read_pixels(name).astype(int) for name in ("near.png", "free.png"))
    assert near.shape == free.shape and (near != free).any()
    # the picture itself is inside: nothing else is needed, not even the file
    Image.new("L", (80, 80)).save("one.png")
    again = inkwash("sample", "near.png")
    assert again.code == 0 and "the same, every pixel" in again.err


def test_outside_the_mask_the_picture_stays(runs, inkwash):
    drawing("one.png")
    mask = np.zeros((80, 80), np.uint8)
    mask[:40] = 255
    Image.fromarray(mask).save("mask.png")
    flags = ("-n", 4, "--sampler", "ddim:3", "-o", "filled.npz")
    assert inkwash("sample", runs.digits, "--from", "one.png", "--mask", "mask.png", *flags).code == 0
    images = np.load("filled.npz")["images"]
    below = images[:, 4:]
    assert (below == below[0]).all() and below.max() > 100
    assert (images[0, :4] != images[1, :4]).any()


def test_a_way_is_a_row_and_its_film_goes_there_and_back(runs, inkwash):
    assert inkwash("sample", runs.digits, "--seed", "3..8", "-n", 5, "--sampler", "ddim:2", "-o", "way.png").code == 0
    row = png_metadata.read_pixels("way.png")
    assert row.shape[1] > 4 * row.shape[0]
    again = inkwash("sample", "way.png")
    assert again.code == 0 and "the same, every pixel" in again.err
    film = inkwash("sample", runs.digits, "--label", "3..8", "-n", 5, "--sampler", "ddim:2", "--film", "-o", "way.webp")
    assert film.code == 0
    with Image.open("way.webp") as moving:
        assert moving.n_frames == 8


def test_single_images_of_a_way_say_how_far_along_they_are(runs, inkwash):
    assert inkwash("sample", runs.digits, "--seed", "3..8", "-n", 3, "--sampler", "ddim:2", "-o", "way").code == 0
    turns = [png_metadata.read_metadata(path)["turn"] for path in sorted(Path("way").iterdir())]
    assert turns == [0, 0.5, 1]


@pytest.mark.parametrize(
    ("flags", "cause"),
    [
        (("--noise", 0.5), "--noise has no effect without a picture"),
        (("--mask", "one.png"), "--mask has no effect without a picture"),
        (("--from", "one.png", "--noise", 0), "noise is 0"),
        (("--from", "one.png", "--noise", 1), "noise alone"),
        (("--from", "one.png", "--mask", "black.png"), "nothing to paint"),
        (("--seed", "3..x"), "no whole number"),
        (("--seed", "3..-8"), "the far --seed is -8"),
        (("--label", "0-3..5"), "names 4 classes"),
        (("--label", "3..99"), "99"),
        (("--label", "3.."), "label ''"),
    ],
)
def test_what_would_have_no_effect_or_makes_no_sense_is_refused(flags, cause, runs, refused):
    drawing("one.png")
    drawing("black.png", ink=False)
    assert cause in refused("sample", runs.digits, *flags)


def test_a_picture_that_is_none_or_not_there_is_a_failure(runs, inkwash):
    Path("text.png").write_text("no picture")
    for name, cause in (("text.png", "cannot be read as a picture"), ("gone.png", "is missing")):
        outcome = inkwash("sample", runs.digits, "--from", name)
        assert outcome.code == 1 and cause in outcome.complaint


def test_points_take_no_picture(runs, refused):
    drawing("one.png")
    assert "points" in refused("sample", runs.points, "--from", "one.png")


def test_a_film_of_a_drawing_says_what_it_takes_to_draw_it_again(runs, inkwash, refused):
    drawing("one.png")
    flags = ("--from", "one.png", "--noise", 0.5, "--seed", 4, "--sampler", "ddim:2", "--film", "-n", 2)
    assert inkwash("sample", runs.digits, *flags, "-o", "film.png").code == 0
    told = refused("sample", "film.png")
    for part in ("--film", "--seed 4", "--from ITS-DRAWING", "--noise 0.5", "--sampler ddim:2", "-n 2"):
        assert part in told
