"""`inkwash show`: the list of recipes and models, and the description of one of them."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import numpy as np
import pytest
from outcome import CopyRun, Inkwash, Runs
from PIL import Image

from inkwash import model
from inkwash.cli.tables.recipes import expected_spec
from inkwash.config import recipe
from inkwash.errors import unknown_name
from inkwash.nets import summary


def test_list_has_every_recipe(inkwash: Inkwash) -> None:
    outcome = inkwash("show")
    assert outcome.code == 0 and not outcome.err
    for name in recipe.bundled():
        assert name in outcome.out


def test_descriptions_are_not_cut_at_80_columns(inkwash: Inkwash, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    out = inkwash("show").out
    heading = next(line for line in out.splitlines() if "description" in line)
    assert 80 - heading.index("description") >= 22 and "…" not in out


def test_list_as_json_has_sizes_and_samplers(inkwash: Inkwash) -> None:
    rows = json.loads(inkwash("show", "--json").out)
    assert {row["name"] for row in rows} >= set(recipe.bundled())
    for row in rows:
        assert row["parameters"] > 0 and row["flops"] > 0 and row["about"] and row["sampler"]


def test_recipe_is_shown_with_plots_of_network_and_schedule(inkwash: Inkwash) -> None:
    outcome = inkwash("show", "ddim-300", "-o", "plots")
    assert outcome.code == 0
    for words in ("3,672,513 parameters", "MFLOP", "T = 300", "alpha 0.219", "plots/ddim-300-network.png"):
        assert words in outcome.out
    for name in ("network", "schedule"):
        with Image.open(f"plots/ddim-300-{name}.png") as plot:
            assert min(plot.size) > 200


def test_printed_recipe_is_valid_toml(inkwash: Inkwash, monkeypatch: pytest.MonkeyPatch) -> None:
    # lines of TOML must not be wrapped
    monkeypatch.setenv("COLUMNS", "80")
    out = inkwash("show", "digits").out
    assert tomllib.loads(out[: out.index("class-unet for")])["about"] == recipe.load("digits").about


def test_recipe_as_json_has_settings_stages_and_terminal_level(inkwash: Inkwash) -> None:
    shown = json.loads(inkwash("show", "ddim-300", "--json").out)
    assert shown["schedule"]["T"] == 300 and shown["parameters"] == 3672513
    assert sum(stage["parameters"] for stage in shown["stages"]) == 3672513
    assert abs(shown["terminal"]["alpha"] - 0.219) < 1e-3


def test_recipe_file_is_shown_like_a_bundled_one(runs: Runs, inkwash: Inkwash) -> None:
    assert "base = 4" in inkwash("show", runs.plain / "recipe.toml").out


def test_run_is_shown_with_its_checkpoints_and_card(runs: Runs, inkwash: Inkwash) -> None:
    outcome = inkwash("show", runs.digits)
    assert outcome.code == 0
    for words in ("latest.safetensors", "best.safetensors", "valid", "Validation loss", "class-unet"):
        assert words in outcome.out


def test_run_as_json_lists_each_checkpoint(runs: Runs, inkwash: Inkwash) -> None:
    rows = {row["file"]: row for row in json.loads(inkwash("show", runs.digits, "--json").out)}
    latest = rows["latest.safetensors"]
    assert (latest["step"], latest["damaged"], latest["trainable"], latest["data"]) == (6, "", True, "digits")
    assert len(latest["weights"]) == 12 and latest["held_out"] > 0


def test_checkpoint_file_is_shown_without_the_others(runs: Runs, inkwash: Inkwash) -> None:
    outcome = inkwash("show", runs.digits / "checkpoints" / "best.safetensors")
    assert outcome.code == 0 and "best.safetensors" in outcome.out and "latest" not in outcome.out


def test_damaged_checkpoint_is_reported_beside_valid_ones(runs: Runs, copied: CopyRun, inkwash: Inkwash) -> None:
    run = copied(runs.digits)
    best = run / "checkpoints" / "best.safetensors"
    best.write_bytes(best.read_bytes()[:5000])
    outcome = inkwash("show", run)
    assert outcome.code == 1
    assert "damaged" in outcome.out and "valid" in outcome.out
    assert outcome.kind == ("damaged-file", None) and str(best) in outcome.message
    outcome = inkwash("show", run, "--json")
    assert outcome.code == 1 and str(best) in outcome.message
    rows = {row["file"]: row for row in json.loads(outcome.out)}
    assert rows["best.safetensors"]["damaged"] and not rows["latest.safetensors"]["damaged"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("spirals", ["training", "spirals-data.png"]),
        ("moons.npy", ["10 training"]),
        ("IMAGES", ["ant: 25.0%", "240"]),
    ],
)
def test_data_is_shown_by_name_and_by_path(name: str, words: list[str], runs: Runs, inkwash: Inkwash) -> None:
    np.save("moons.npy", np.zeros((10, 8, 8), np.uint8))
    outcome = inkwash("show", runs.images if name == "IMAGES" else name)
    assert outcome.code == 0
    for word in words:
        assert word in outcome.out
    assert list(Path("out").glob("*-data.png"))


def test_data_as_json_writes_no_image(runs: Runs, inkwash: Inkwash) -> None:
    shown = json.loads(inkwash("show", runs.images, "--json").out)
    assert shown["classes"] == ["ant", "bee"] and shown["proportions"] == [0.25, 0.75]
    assert shown["count"] == 240 and shown["shape"] == [1, 8, 8] and 0 < shown["data_std"] < 1
    assert not Path("out").exists()


def test_image_is_shown_with_its_metadata_and_command(runs: Runs, inkwash: Inkwash) -> None:
    assert inkwash("sample", runs.plain, "-n", 2, "--sampler", "ddim:2", "-o", "out/two.png").code == 0
    outcome = inkwash("show", "out/two.png")
    assert outcome.code == 0
    assert "sampler: ddim:2" in outcome.out and "inkwash sample out/two.png" in outcome.out
    assert json.loads(inkwash("show", "out/two.png", "--json").out)["sampler"] == "ddim:2"


def test_listed_sizes_are_those_of_the_networks(inkwash: Inkwash) -> None:
    """`make network-sizes` updates the file that the list is read from."""
    rows = {row["name"]: row for row in json.loads(inkwash("show", "--json").out)}
    assert rows.keys() == {*recipe.bundled(), *model.bundled()}
    for name, row in rows.items():
        chosen = recipe.load(name)
        spec = expected_spec(chosen)
        net = model.build_net(chosen.for_classes(spec.classes), spec)
        assert (row["parameters"], row["flops"]) == (summary.parameters(net), summary.flops(net, spec.shape)), name


def test_data_of_strokes_are_shown_with_quantiles_of_attributes(tmp_path: Path, inkwash: Inkwash) -> None:
    images = np.zeros((12, 28, 28), np.uint8)
    images[:6, 4:24, 10:14] = images[6:, 4:24, 10:18] = 255
    images[:, 4, 10] = np.arange(200, 212)  # No two images are equal.
    np.save(tmp_path / "bars.npy", images)
    shown = inkwash("show", str(tmp_path / "bars.npy"), "--out", str(tmp_path / "out")).out
    row = next(line.split() for line in shown.splitlines() if line.startswith(" width, pixels"))
    # Bars of 4 and of 8 pixels, of which the middle 96 % are measured.
    assert [float(each) for each in row[2:7]] == pytest.approx([3.84, 3.84, 5.76, 7.68, 7.68], abs=0.1)
    assert row[7][0] == row[7][-1] != row[7][1] and len(row[7]) == 16 and len(set(row[7])) == 2
    found = json.loads(inkwash("show", str(tmp_path / "bars.npy"), "--json").out)["attributes"]["width"]
    assert (found["unit"], found["n"], found["histogram"]["counts"]) == ("pixels", 12, [6, *[0] * 14, 6])
    assert list(found["quantiles"].values()) == pytest.approx([3.84, 3.84, 5.76, 7.68, 7.68], abs=0.1)


def test_data_without_strokes_are_shown_with_the_reason(tmp_path: Path, inkwash: Inkwash) -> None:
    np.save(tmp_path / "photos.npy", np.random.default_rng(0).integers(60, 255, (12, 28, 28), np.uint8))
    shown = inkwash("show", str(tmp_path / "photos.npy"), "--out", str(tmp_path / "out")).out
    assert "stroke attributes" in shown and "width, pixels" not in shown
    assert "stroke attributes" in json.loads(inkwash("show", str(tmp_path / "photos.npy"), "--json").out)["attributes"]


@pytest.mark.parametrize("dark", [False, True])
def test_a_picture_of_a_bar_is_shown_with_its_attributes(dark: bool, tmp_path: Path, inkwash: Inkwash) -> None:
    pixels = np.zeros((28, 28), np.uint8)
    pixels[4:24, 10:14] = 255
    Image.fromarray(255 - pixels if dark else pixels).save(tmp_path / "bar.png")
    found = json.loads(inkwash("show", str(tmp_path / "bar.png"), "--json").out)["attributes"]
    # 96 % of 20 by 4 pixels, around (11.5, 13.5) where the centre of the image is (13.5, 13.5).
    wanted = {"height": 19.2, "width": 3.84, "slant": 0, "ink": 80, "holes": 0, "x": -2, "y": 0}
    assert {name: found[name] for name in wanted} == pytest.approx(wanted, abs=1e-3)
    assert "height: 19.2 pixels" in inkwash("show", str(tmp_path / "bar.png")).out


@pytest.mark.parametrize("shape", [(28, 28), (28, 28, 3), (200, 200)])
def test_a_picture_without_a_digit_to_measure_is_refused(
    shape: tuple[int, ...], tmp_path: Path, inkwash: Inkwash
) -> None:
    pixels = np.zeros(shape, np.uint8)
    if shape != (28, 28):
        pixels[4:24, 10:14] = 255 if len(shape) == 2 else (255, 0, 0)
    Image.fromarray(pixels).save(tmp_path / "other.png")
    outcome = inkwash("show", str(tmp_path / "other.png"))
    assert outcome.code == 2 and not outcome.out


def test_thousands_of_classes_are_counted_and_not_listed(inkwash: Inkwash, tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (2_000, 8, 8), dtype=np.uint8)
    np.savez(tmp_path / "many.npz", images=images, labels=[f"c{k:04d}" for k in range(2_000)])
    shown = inkwash("show", tmp_path / "many.npz").out
    assert "c0029" in shown and "c0030" not in shown and "1,970 more" in shown
    assert len(json.loads(inkwash("show", tmp_path / "many.npz", "--json").out)["classes"]) == 2_000
    assert str(unknown_name("label", "x", [f"c{k:04d}" for k in range(2_000)])).endswith("c0059 and 1,940 more")


def test_a_digit_is_compared_with_the_attributes_of_mnist(tmp_path: Path, inkwash: Inkwash) -> None:
    shares = []
    for width in (1, 2, 6):
        pixels = np.zeros((28, 28), np.uint8)
        pixels[4:24, 12 : 12 + width] = 255
        Image.fromarray(pixels).save(tmp_path / "bar.png")
        found = json.loads(inkwash("show", str(tmp_path / "bar.png"), "--json").out)
        shares.append(found["fraction_of_mnist_below"]["thickness"])
        assert (
            set(found["fraction_of_mnist_below"]) <= set(found["attributes"])
            and "holes" not in found["fraction_of_mnist_below"]
        )
    # The median of MNIST is 2.6 pixels.
    assert shares[0] < shares[1] < 0.5 < 0.95 < shares[2]
    Image.fromarray(pixels[:20, :20]).save(tmp_path / "small.png")
    assert "fraction_of_mnist_below" not in json.loads(inkwash("show", str(tmp_path / "small.png"), "--json").out)
