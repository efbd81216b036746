"""`inkwash show`: list recipes and models, or describe one of them, a data set or an image."""

from __future__ import annotations

from pathlib import Path

from inkwash.cli.parameters import DataRange, Json, Out, Plugin
from inkwash.config import plugins
from inkwash.errors import UsageError


def show(
    thing: str | None = None,
    /,
    *,
    out: Out = None,
    range_: DataRange = None,
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
        The folder that plots of a recipe or of data are written to. Default: out.
    """
    plugins.load(with_)
    from inkwash import model
    from inkwash.cli.tables import data, image_metadata, overview, recipes, runs
    from inkwash.config import recipe
    from inkwash.data import DATASETS, canonical_name
    from inkwash.errors import PICKLE_SUFFIXES, unknown_name, wrong_file_error

    if thing is None:
        given = "range" if range_ is not None else "out" if out is not None else None
        if given:
            raise UsageError(f"--{given} needs data: give its path", code="missing-field", field="thing")
        overview.show(json_)
        return 0
    path = Path(thing)
    is_recipe = thing in recipe.bundled() or path.suffix == ".toml"
    is_model = thing in model.bundled() or path.suffix == ".safetensors" or (path / "recipe.toml").is_file()
    is_image = path.suffix.lower() in image_metadata.SUFFIXES and path.is_file()
    if range_ is not None and (is_recipe or is_model or is_image):
        raise _no_effect("range", thing, "it gives the values of black and white in arrays and tables")
    if out is not None and (json_ or is_image or (is_model and not is_recipe)):
        raise _no_effect(
            "out", f"{thing}{' with --json' if json_ else ''}", "it is the folder of plots, of which there are none"
        )
    folder = out or Path("out")
    if is_recipe:
        # A name shared by a recipe and its bundled model shows both.
        recipes.show(thing, folder, json_)
    elif is_model:
        return runs.show(thing, json_)
    elif is_image:
        image_metadata.show(path, json_)
    elif path.suffix.lower() in PICKLE_SUFFIXES and path.is_file():
        raise wrong_file_error(path, "model", "a name, a run folder, a checkpoint NAME.safetensors, or data")
    # What looks like a path and does not exist is an error of `data.load`.
    elif canonical_name(thing) or path.exists() or path.name != thing:
        data.show(thing, folder, json_, range_)
    else:
        raise unknown_name("name", thing, {*recipe.bundled(), *model.bundled(), *DATASETS})
    return 0


def _no_effect(option: str, thing: str, meaning: str) -> UsageError:
    return UsageError(f"--{option} has no effect on {thing}: {meaning}; leave it out", code="no-effect", field=option)
