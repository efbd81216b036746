"""Recipes, checkpoints, folders and images with hostile names: no command writes outside of its folder."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from outcome import Inkwash, Runs, is_text

from inkwash.io import checkpoints
from inkwash.io.names import invalid_reason
from inkwash.sampling import chunks

RECIPE = """
name = {name}
data = {{ name = "digits" }}
network = {{ kind = "class-unet", conditional = true, widths = [8, 16], dim = 8 }}
training = {{ length = "2 steps", batch = 16, label_dropout = 0.1, precision = "float32" }}
sampling = {{ sampler = "ddim:1", preview = "ddim:1" }}
"""
PLUGIN = """
from inkwash.lab import Experiment, Picture, Plot, Trained, Variant, Verdict, evaluation
from PIL import Image

def picture(variant, lab):
    yield Picture({name!r}, "a picture", Image.new("L", (8, 8)))

EXPERIMENT = Experiment(
    name="own", objective="-", hypothesis="-", verdict=lambda results: Verdict("holds", "-"), length="32 images",
    variants=(Variant({name!r}, {model}, "ddim:1"),), measures=({measures}), plots=(Plot({plot!r}, "-", ("steps",)),),
)
"""
TRAINED = (
    'Trained("digits", ("network.widths=[8,16]", "network.dim=8", "training.batch=16", "sampling.preview=ddim:1"){run})'
)


@pytest.fixture
def shared(runs: Runs, place: SimpleNamespace) -> Callable[..., Path]:
    """`shared("given", name)` is a run folder whose checkpoints have this name in every field that holds one."""

    def make(folder: str, name: str, run: Path = runs.digits) -> Path:
        shutil.copytree(run, folder)
        for file in checkpoints.files_in(Path(folder) / "checkpoints"):
            found = checkpoints.load(file)
            header = json.loads(json.dumps(found.header))
            header["recipe"]["name"] = header["recipe"]["data"]["name"] = header["facts"]["data"] = name
            header["facts"]["classes"] = [f"{name}{k}" for k in range(len(header["facts"]["classes"]))]
            checkpoints.save(file, found._replace(header=header))
        return Path(folder)

    return make


@pytest.mark.parametrize("command", [["show"], ["train", "-q"]])
def test_a_recipe_with_a_hostile_name_is_refused(
    command: list[str], name: str, place: SimpleNamespace, inkwash: Inkwash
) -> None:
    Path("given.toml").write_text(RECIPE.format(name=json.dumps(name)), encoding="utf-8")
    outcome = inkwash(*command, "given.toml")
    assert outcome.code == 2 and is_text(outcome)
    assert "given.toml" in outcome.message and outcome.kind[1] == "name"
    assert place.unchanged("given.toml")


def test_a_hostile_name_by_set_is_refused(name: str, place: SimpleNamespace, inkwash: Inkwash) -> None:
    outcome = inkwash("train", "digits", "--set", f"name={name}", "--steps", "1", "-q")
    assert outcome.code == 2 and is_text(outcome) and outcome.kind[1] == "name"
    assert place.unchanged()


def test_a_run_folder_with_a_hostile_name_in_its_recipe_is_refused(
    name: str, runs: Runs, place: SimpleNamespace, inkwash: Inkwash
) -> None:
    shutil.copytree(runs.digits, "given")
    recipe = Path("given/recipe.toml")
    written = recipe.read_text().replace('name = "digits"', f"name = {json.dumps(name)}", 1)
    recipe.write_text(written, encoding="utf-8")
    outcome = inkwash("train", "given", "--steps", "8")
    assert outcome.code == 2 and is_text(outcome)
    assert "given/recipe.toml" in outcome.message and outcome.kind[1] == "name"
    assert place.unchanged("given")


@pytest.mark.usefixtures("plots")
def test_no_command_writes_elsewhere_for_a_checkpoint_with_hostile_names(
    name: str,
    shared: Callable[..., Path],
    place: SimpleNamespace,
    inkwash: Inkwash,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(chunks, "MIN_CHUNK_SIZE", 20)
    given = shared("given", name)
    few = ["--sampler", "ddim:1", "-n"]
    commands = [
        ["show", given],
        ["show", given, "--json"],
        ["sample", given, *few, "2"],
        ["sample", given / "checkpoints" / "latest.safetensors", *few, "2"],
        ["sample", given, *few, "3", "-o", "out/singles"],
        ["sample", given, *few, "21", "-o", "out/many.npz"],
        ["sample", given, *few, "2", "--film", "-o", "out/film.png"],
        ["export", given, "--to", "onnx"],
        ["evaluate", given, *few, "30", "--report", "out/report", "--data", "digits"],
        ["train", given, "--steps", "8"],
    ]
    for command in commands:
        outcome = inkwash(*command)
        assert is_text(outcome)
        assert outcome.code == 0 or command[0] == "export", (command, outcome.err)
        # the warning names the file, and the name that is used instead
        assert "warning: checkpoint given/" in outcome.err or invalid_reason(name) is None
    assert len(list(Path("out/singles").iterdir())) == 3
    assert place.unchanged("given", "out")


@pytest.mark.parametrize("field", ["variant", "run", "plot"])
def test_no_experiment_writes_elsewhere_for_hostile_names(
    field: str, name: str, place: SimpleNamespace, inkwash: Inkwash
) -> None:
    model = TRAINED.format(run=f", run={name!r}" if field == "run" else "")
    plugin = PLUGIN.format(
        name=name if field == "variant" else "variant",
        plot=name if field == "plot" else "plot",
        model=model,
        measures="picture,",
    )
    Path("plugin.py").write_text(plugin, encoding="utf-8")
    outcome = inkwash("lab", "own", "--with", "plugin.py", "-n", "200", "--data", "digits", "-q")
    assert is_text(outcome)
    assert place.unchanged("plugin.py", "lab", "__pycache__")
    folders = {path.parent for path in Path("lab").rglob("*.png")}
    assert all(path.is_relative_to("lab/own") for path in folders)


def test_a_model_with_hostile_names_in_an_experiment(
    name: str, shared: Callable[..., Path], place: SimpleNamespace, inkwash: Inkwash
) -> None:
    shared("given", name)
    plugin = PLUGIN.format(name="variant", plot="plot", model='"given"', measures="picture,")
    Path("plugin.py").write_text(plugin, encoding="utf-8")
    assert is_text(inkwash("lab", "own", "--with", "plugin.py", "-n", "200", "--data", "digits", "-q"))
    assert place.unchanged("given", "plugin.py", "lab", "__pycache__")


def test_the_server_writes_nothing_for_models_with_hostile_names(
    name: str, shared: Callable[..., Path], place: SimpleNamespace
) -> None:
    testclient = pytest.importorskip("starlette.testclient")
    from inkwash.web import server
    from inkwash.web.catalog import Catalog

    given = shared("given", name)
    before = {path: path.read_bytes() for path in given.rglob("*") if path.is_file()}
    with testclient.TestClient(
        server.create_app(Catalog((given,), Path("runs"))), base_url="http://127.0.0.1"
    ) as client:
        for path in ("/api/models", "/api/models/given", "/api/models/given/history", "/api/models/given/quality"):
            assert client.get(path).status_code == 200, path
        for path in ("..%2f..%2foutside", "%00", "%1b"):
            assert client.get(f"/api/models/{path}").status_code in (400, 404)
            assert client.get(f"/api/models/given/milestones/{path}").status_code in (400, 404, 422)
    assert {path: path.read_bytes() for path in given.rglob("*") if path.is_file()} == before
    assert place.unchanged("given")


@pytest.mark.parametrize("part", ["checkpoints", "samples", "metrics.jsonl", "tensorboard", "samples/x.png"])
def test_a_run_folder_with_a_link_that_leads_outside_is_not_trained_on(
    part: str, runs: Runs, place: SimpleNamespace, inkwash: Inkwash
) -> None:
    shutil.copytree(runs.digits, "given")
    shutil.copytree(runs.digits / "checkpoints", place.here / "other")
    at = Path("given") / part
    shutil.rmtree(at, ignore_errors=True) if at.is_dir() else at.unlink(missing_ok=True)
    at.symlink_to(place.outside / "notes" if "." in part else place.outside)
    outcome = inkwash("train", "given", "--steps", "8")
    assert outcome.code == 2 and "symbolic link" in outcome.message and str(at) in outcome.message
    assert place.unchanged("given", "other")


@pytest.mark.parametrize(
    "link", ["out/fast.png", "out/fast-page", "out/ok-network.png", "runs/ok-1", "out/digits-data.png"]
)
def test_an_output_path_that_is_a_link_to_elsewhere_is_refused(
    link: str, place: SimpleNamespace, inkwash: Inkwash
) -> None:
    Path("ok.toml").write_text(RECIPE.format(name='"ok"'))
    commands = {
        "out/fast.png": ["sample", "fast", "-n", "1", "--steps", "1"],
        "out/fast-page": ["export", "fast"],
        "out/ok-network.png": ["show", "ok.toml"],
        "runs/ok-1": ["train", "ok.toml", "-q"],
        "out/digits-data.png": ["show", "./digits.npz"],
    }
    for target in (place.outside, place.root / "new"):
        Path(link).parent.mkdir(exist_ok=True)
        Path(link).unlink(missing_ok=True)
        Path(link).symlink_to(target)
        if link == "out/digits-data.png":
            assert inkwash("sample", "digits", "-n", "40", "--steps", "1", "-o", "digits.npz", "-q").code == 0
        outcome = inkwash(*commands[link])
        assert outcome.code == 2 and "symbolic link" in outcome.message
        assert place.unchanged("ok.toml", "out", "runs", "digits.npz")


def test_preview_of_data_in_a_folder_with_a_hostile_name_is_written_to_out(
    place: SimpleNamespace, runs: Runs, inkwash: Inkwash
) -> None:
    shutil.copytree(runs.images, "\x1b[31m[red]..$x")
    outcome = inkwash("show", "\x1b[31m[red]..$x")
    assert outcome.code == 0 and is_text(outcome)
    assert [invalid_reason(path.name) for path in Path("out").iterdir()] == [None]
    assert place.unchanged("out", "\x1b[31m[red]..$x")


@pytest.mark.parametrize("kind", ["checkpoints", "samples"])
def test_a_file_in_a_run_folder_with_a_hostile_name_is_refused(
    kind: str, runs: Runs, place: SimpleNamespace, inkwash: Inkwash
) -> None:
    shutil.copytree(runs.digits, "given")
    file = next(Path("given", kind).iterdir())
    shutil.copy(file, file.with_stem("\x1b[31m[red]"))
    outcome = inkwash("train", "given", "--steps", "8")
    assert outcome.code == 2 and is_text(outcome) and f"given/{kind}" in outcome.message
    assert place.unchanged("given")
