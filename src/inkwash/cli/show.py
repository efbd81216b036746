"""`inkwash show`: list recipes and models, or describe one of them, a data set or an image."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from inkwash.cli.parameters import DataRange, Json, Plugin
from inkwash.config import plugins


def show(
    thing: str | None = None,
    /,
    *,
    out: Annotated[Path, Parameter(name=["--out", "-o"])] = Path("out"),
    range_: Annotated[
        DataRange,
        Parameter(name="--range", negative=(), help="Values of black and white in data of numbers, as in --range 0 1."),
    ] = None,
    json_: Json = False,
    with_: Plugin = None,
) -> int:
    """List recipes and models, or describe a recipe, model, run folder, checkpoint or data set, with its warnings.

    Parameters
    ----------
    thing
        A recipe or bundled model by name, a recipe file, a run folder, a checkpoint file, data by name or path, or an
        image that inkwash wrote.
    out
        The folder that plots are written to.
    """
    plugins.load(with_)
    from inkwash import model
    from inkwash.cli.tables import data, image_metadata, overview, recipes, runs
    from inkwash.config import recipe
    from inkwash.data import DATASETS, canonical_name
    from inkwash.errors import PICKLE_SUFFIXES, UsageError, unknown_name, wrong_file_error

    if thing is None:
        if range_ is not None:
            raise UsageError("--range needs data: give its path", code="missing-field", field="thing")
        overview.show(json_)
        return 0
    path = Path(thing)
    if range_ is not None:
        data.show(thing, out, json_, range_)
    elif thing in recipe.bundled() or path.suffix == ".toml":
        # A name shared by a recipe and its bundled model shows both.
        recipes.show(thing, out, json_)
    elif thing in model.bundled() or path.suffix == ".safetensors" or (path / "recipe.toml").is_file():
        return runs.show(thing, json_)
    elif path.suffix.lower() in image_metadata.SUFFIXES and path.is_file():
        image_metadata.show(path, json_)
    elif path.suffix.lower() in PICKLE_SUFFIXES and path.is_file():
        raise wrong_file_error(path, "model", "a name, a run folder, a checkpoint NAME.safetensors, or data")
    # What looks like a path and does not exist is an error of `data.load`.
    elif canonical_name(thing) or path.exists() or path.name != thing:
        data.show(thing, out, json_, range_)
    else:
        raise unknown_name("name", thing, {*recipe.bundled(), *model.bundled(), *DATASETS})
    return 0
