"""What `sample` writes: grids, arrays, single images, strips and films, in the requested sizes."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from outcome import Inkwash, Runs, read_metadata
from PIL import Image

from inkwash import DEFAULT_MODEL
from inkwash.io import checkpoints

SIDE, GAP = 8, 2
TWO = ["--sampler", "ddim:2"]


def tile(sheet: Image.Image, row: int, column: int, scale: int = 1) -> np.ndarray:
    """Return the image in a cell of a grid, without enlargement."""
    step, size = SIDE * scale + GAP, SIDE * scale
    left, top = GAP + column * step, GAP + row * step
    return np.asarray(sheet)[top : top + size : scale, left : left + size : scale]


@pytest.mark.parametrize(
    ("flags", "rows", "columns", "scale"),
    [
        (["-n", "7"], 3, 3, 1),
        (["-n", "7", "--columns", "5"], 2, 5, 1),
        (["-n", "3", "--columns", "9"], 1, 3, 1),
        (["-n", "6", "--scale", "4"], 2, 3, 4),
        (["-n", "6", "--scale", "3", "--columns", "1"], 6, 1, 3),
        ([], 8, 8, 1),
    ],
)
def test_a_grid_has_the_size_of_its_rows_and_columns(
    flags: list[str], rows: int, columns: int, scale: int, runs: Runs, inkwash: Inkwash
) -> None:
    assert inkwash("sample", runs.plain, *TWO, *flags, "-o", "x.png").code == 0
    step = SIDE * scale + GAP
    with Image.open("x.png") as sheet:
        assert sheet.size == (columns * step + GAP, rows * step + GAP)
        assert sheet.mode == "L"


def test_the_default_model_is_used_without_a_name(inkwash: Inkwash) -> None:
    assert inkwash("sample", "-n", "1", "--sampler", "ddim:1", "-q").code == 0
    metadata = read_metadata(f"out/{DEFAULT_MODEL}.png")
    assert metadata is not None and metadata["model"] == DEFAULT_MODEL


def test_a_single_image_has_no_border(runs: Runs, inkwash: Inkwash) -> None:
    assert inkwash("sample", runs.plain, *TWO, "-n", "1", "--scale", "4", "-o", "x.png").code == 0
    with Image.open("x.png") as sheet:
        assert sheet.size == (SIDE * 4, SIDE * 4)


def test_a_single_image_of_a_folder_is_reproducible(runs: Runs, inkwash: Inkwash) -> None:
    assert inkwash("sample", runs.plain, *TWO, "-n", "3", "-o", "singles").code == 0
    assert inkwash("sample", "singles/000002.png").code == 0


def test_a_grid_contains_the_images_of_the_arrays(runs: Runs, inkwash: Inkwash) -> None:
    """Image i of the array is in row i / columns, enlarged without interpolation."""
    flags = ["-n", "5", "--seed", "3", *TWO]
    assert inkwash("sample", runs.plain, *flags, "-o", "x.npz").code == 0
    assert inkwash("sample", runs.plain, *flags, "--columns", "2", "--scale", "3", "-o", "x.png").code == 0
    images = np.load("x.npz", allow_pickle=False)["images"]
    with Image.open("x.png") as sheet:
        for index, image in enumerate(images):
            assert np.array_equal(tile(sheet, index // 2, index % 2, 3), image)
            left = GAP + index % 2 * (SIDE * 3 + GAP)
            block = np.asarray(sheet)[GAP + index // 2 * (SIDE * 3 + GAP) :, left:][:3, :3]
            assert (block == image[0, 0]).all()


def test_arrays_are_read_without_pickle(runs: Runs, inkwash: Inkwash) -> None:
    assert inkwash("sample", runs.digits, "-n", "7", "--label", "3", "--seed", "2", *TWO, "-o", "x.npz").code == 0
    with np.load("x.npz", allow_pickle=False) as arrays:
        assert set(arrays.files) == {"images", "labels", "seeds", "facts"}
        assert arrays["images"].dtype == np.uint8 and arrays["images"].shape == (7, SIDE, SIDE)
        assert arrays["labels"].tolist() == [3] * 7
        assert arrays["seeds"].tolist() == list(range(2, 9))
        metadata = json.loads(str(arrays["facts"]))
    assert metadata["model"] == "digits" and metadata["sampler"] == "ddim:2"
    average = checkpoints.load(runs.digits / "checkpoints" / "latest.safetensors").part("average")
    assert metadata["weights"] == checkpoints.weights_digest(average)


def test_points_are_arrays_of_floats_or_a_scatter(runs: Runs, inkwash: Inkwash) -> None:
    assert inkwash("sample", runs.points, "-n", "9", "-o", "x.npz").code == 0
    with np.load("x.npz", allow_pickle=False) as arrays:
        assert set(arrays.files) == {"points", "labels", "seeds", "facts"}
        assert arrays["points"].dtype == np.float32 and arrays["points"].shape == (9, 2)
    for flags in ([], ["--strip"], ["--film"]):
        assert inkwash("sample", runs.points, "-n", "9", *TWO, *flags, "-o", f"x{len(flags)}{flags[:1]}.png").code == 0


def test_sampled_arrays_are_a_data_set(runs: Runs, inkwash: Inkwash) -> None:
    assert inkwash("sample", runs.digits, "-n", "9", "--label", "0-2", *TWO, "-o", "x.npz").code == 0
    found = json.loads(inkwash("show", "x.npz", "--json").out)
    assert found["count"] == 9 and found["shape"] == [1, SIDE, SIDE] and found["classes"] == ["0", "1", "2"]


def test_single_images_are_named_by_index_and_class(runs: Runs, inkwash: Inkwash) -> None:
    flags = ["-n", "4", "--label", "bee,ant", *TWO]
    assert inkwash("sample", runs.bees, *flags, "-o", "singles").code == 0
    assert inkwash("sample", runs.bees, *flags, "-o", "x.npz").code == 0
    names = ["000000-bee.png", "000001-ant.png", "000002-bee.png", "000003-ant.png"]
    assert sorted(file.name for file in Path("singles").iterdir()) == names
    for name, image in zip(names, np.load("x.npz")["images"], strict=True):
        assert np.array_equal(np.asarray(Image.open(f"singles/{name}")), image)


def test_a_slash_in_a_class_name_is_replaced(runs: Runs, inkwash: Inkwash) -> None:
    """Fashion-MNIST has a class "T-shirt/top"."""
    found = checkpoints.load(runs.bees / "checkpoints" / "latest.safetensors")
    metadata = found.header["facts"] | {"classes": ["T-shirt/top", "bag"]}
    checkpoints.save("wear.safetensors", found._replace(header=found.header | {"facts": metadata}))
    assert inkwash("sample", "wear.safetensors", "-n", "2", "--label", "T-shirt/top", *TWO, "-o", "singles").code == 0
    files = sorted(Path("singles").iterdir())
    assert len(files) == 2 and all(file.is_file() and file.suffix == ".png" for file in files)


def test_a_strip_has_a_row_for_each_image_from_noise_to_sample(runs: Runs, inkwash: Inkwash) -> None:
    flags = ["-n", "3", "--sampler", "ddim:4", "--seed", "1"]
    assert inkwash("sample", runs.plain, *flags, "--strip", "--scale", "4", "-o", "x.png").code == 0
    assert inkwash("sample", runs.plain, *flags, "-o", "x.npz").code == 0
    images, step = np.load("x.npz")["images"], SIDE * 4 + GAP
    with Image.open("x.png") as sheet:
        assert sheet.width == 5 * step + GAP, "four steps have five states"
        header = sheet.height - (3 * step + GAP)
        assert header > 0, "the noise levels stand above"
        body = sheet.crop((0, header, sheet.width, sheet.height))
        for row, image in enumerate(images):
            assert np.array_equal(tile(body, row, 4, 4), image)
            assert not np.array_equal(tile(body, row, 0, 4), image)


@pytest.mark.parametrize("scale", [1, 2, 4])
def test_captions_of_a_strip_are_not_cut_off(scale: int, runs: Runs, inkwash: Inkwash) -> None:
    """Both edges of the line of captions have the background colour."""
    assert inkwash("sample", runs.plain, "-n", "2", *TWO, "--strip", "--scale", str(scale), "-o", "x.png").code == 0
    with Image.open("x.png") as sheet:
        header = sheet.height - (2 * (SIDE * scale + GAP) + GAP)
        line = np.asarray(sheet)[:header]
    assert (line < 200).any(), "there are captions"
    assert (line[:, 0] > 200).all() and (line[:, -1] > 200).all()


@pytest.mark.parametrize("suffix", [".png", ".webp", ".gif"])
def test_a_film_has_several_frames(suffix: str, runs: Runs, inkwash: Inkwash) -> None:
    assert inkwash("sample", runs.plain, "-n", "2", "--sampler", "ddim:4", "--film", "-o", f"x{suffix}").code == 0
    with Image.open(f"x{suffix}") as film:
        frames = getattr(film, "n_frames", 1)
        assert 2 < frames <= 5
        first = np.asarray(film.convert("L")).astype(int)
        film.seek(frames - 1)
        assert np.abs(np.asarray(film.convert("L")).astype(int) - first).max() > 50


def test_a_film_has_the_requested_scale(runs: Runs, inkwash: Inkwash) -> None:
    sizes = []
    for scale in (1, 2):
        flags = ["-n", "4", *TWO, "--film", "--scale", str(scale), "-o", f"{scale}.png"]
        assert inkwash("sample", runs.plain, *flags).code == 0
        with Image.open(f"{scale}.png") as film:
            sizes.append(film.size)
    assert sizes[0][1] < sizes[1][1]


@pytest.mark.parametrize(
    ("flags", "name"), [([], "digits.png"), (["--strip"], "digits-strip.png"), (["--film"], "digits-film.png")]
)
def test_the_default_file_is_named_after_the_model(flags: list[str], name: str, runs: Runs, inkwash: Inkwash) -> None:
    outcome = inkwash("sample", runs.digits, "-n", "2", *TWO, *flags)
    assert outcome.code == 0 and not outcome.out
    assert [file.name for file in Path("out").iterdir()] == [name]
    assert f"out/{name}" in outcome.err and "ddim:2" in outcome.err


def test_quiet_prints_nothing(runs: Runs, inkwash: Inkwash) -> None:
    outcome = inkwash("sample", runs.plain, "-n", "1", *TWO, "-q")
    assert (outcome.code, outcome.out, outcome.err) == (0, "", "")


def test_every_image_contains_its_metadata(runs: Runs, inkwash: Inkwash) -> None:
    for name, flags in (("x.png", []), ("y.png", ["--strip"]), ("z.gif", ["--film"]), ("w.webp", ["--film"])):
        assert inkwash("sample", runs.plain, "-n", "1", *TWO, *flags, "-o", name).code == 0
        metadata = read_metadata(name)
        assert metadata["sampler"] == "ddim:2" and metadata["request"]["seed"] == 0 and len(metadata["weights"]) == 12


def test_default_counts_are_those_of_the_help(runs: Runs, inkwash: Inkwash) -> None:
    for flags, count in (([], 64), (["--label", "0-2"], 30), (["--label", "7"], 64), (["--label", "0,5"], 20)):
        assert inkwash("sample", runs.digits, "--sampler", "ddim:1", *flags, "-o", "x.npz").code == 0
        assert len(np.load("x.npz")["images"]) == count
    assert inkwash("sample", runs.digits, "--sampler", "ddim:1", "--strip", "-o", "x.png").code == 0
    with Image.open("x.png") as sheet:
        assert math.floor(sheet.height / (SIDE + GAP)) in (8, 9, 10), "eight rows and a line of captions"
