"""The page of some models as a folder of static files that samples in the browser, without requests to other hosts."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterable, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

from inkwash.data import decode
from inkwash.errors import UsageError
from inkwash.export import onnx, runtime
from inkwash.io.atomic import fresh_folder, write_text
from inkwash.model import Model, bundled
from inkwash.runs.folder import RunFolder
from inkwash.web import figures
from inkwash.web.catalog import CatalogEntry
from inkwash.web.descriptions import model_description
from inkwash.web.exact_denoisers import of_samples
from inkwash.web.point_losses import point_losses

PAGE = resources.files("inkwash.web") / "page"
ENGINE = resources.files("inkwash.export") / "engine"
SERVICE_WORKER, RUNTIME_SCRIPT = "service_worker.js", "runtime.js"
POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'"
)


class PageModel(NamedTuple):
    """A model of the page, its `name` there, and the run folder of its losses, None for none."""

    model: Model
    name: str
    run: RunFolder | None


def write(models: Sequence[PageModel], folder: Path, report: Callable[[str], object]) -> float:
    """Write the page of `models` into the new `folder` and return the largest difference of their networks from torch.

    The first model is the default of the page; `report` receives each part as it is written. Raises `UsageError` for
    two models of one name and for a folder that is not empty, and as `onnx.write` and `runtime.files` do; no folder is
    left after an error.
    """
    onnx.require()
    names = [each.name for each in models]
    double = next((name for name in names if names.count(name) > 1), None)
    if double is not None:
        message = f"two models are named {double}: give each model once, and rename one of two folders"
        raise UsageError(message, code="conflict", field="model")
    with fresh_folder(folder) as made:
        _write_page(made, report)
        written = [_write_model(each, made, f"models/{place}", report) for place, each in enumerate(models)]
        write_text(made / "models.json", json.dumps([data for data, _ in written]) + "\n")
        _write_service_worker(made, written[0][0]["folder"])
        return max(difference for _, difference in written)


def _write_page(folder: Path, report: Callable[[str], object]) -> None:
    report("the browser's runtime")
    parts = runtime.files()
    report("the page")
    with resources.as_file(PAGE) as page, resources.as_file(ENGINE) as engine:
        shutil.copytree(
            page, folder, dirs_exist_ok=True, ignore=lambda where, names: ["engine"] if where == str(page) else []
        )
        shutil.copytree(engine, folder / "engine")
        shutil.copy(page / "engine" / "base64.js", folder / "engine")
    # Browsers keep these files by name, as those of models.
    place = f"ort-{_short_hash(parts.values())}"
    (folder / "engine" / place).mkdir()
    for name, content in parts.items():
        (folder / "engine" / place / name).write_bytes(content)
    script = (folder / "engine" / RUNTIME_SCRIPT).read_text(encoding="utf-8")
    write_text(folder / "engine" / RUNTIME_SCRIPT, script.replace("./ort/", f"./{place}/"))
    index = (folder / "index.html").read_text(encoding="utf-8")
    meta = f'<meta http-equiv="Content-Security-Policy" content="{POLICY}" />'
    write_text(
        folder / "index.html", index.replace('<meta charset="utf-8" />', f'<meta charset="utf-8" />\n    {meta}', 1)
    )


def _write_service_worker(folder: Path, first: str) -> None:
    """Write the service worker of the page in `folder`, which keeps the page with the model in its folder `first`."""
    paths = [path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*")) if path.is_file()]
    paths = [path for path in paths if not path.startswith("models/") or path.startswith(f"{first}/")]
    version = hashlib.sha256(b"".join((folder / path).read_bytes() for path in paths)).hexdigest()[:16]
    script = (resources.files("inkwash.export") / SERVICE_WORKER).read_text(encoding="utf-8")
    constants = f"const VERSION = {json.dumps(version)};\nconst FILES = {json.dumps(['./', *paths])};\n\n"
    write_text(folder / SERVICE_WORKER, constants + script)


def _short_hash(contents: Iterable[bytes]) -> str:
    return hashlib.sha256(b"".join(contents)).hexdigest()[:8]


def _write_model(
    page_model: PageModel, folder: Path, place: str, report: Callable[[str], object]
) -> tuple[dict[str, Any], float]:
    """Write the files of a model into `folder / place`; return its metadata and the difference of its network."""
    model, own = page_model.model, folder / place
    own.mkdir(parents=True)
    data = metadata(*page_model)
    if not model.spec.is_points:
        report(f"samples of {page_model.name} for the exact denoiser")
        examples = of_samples(model)
        (own / "examples.bin").write_bytes(decode(examples.images).numpy().tobytes())
        data["examples"] = {"labels": None if examples.labels is None else examples.labels.tolist()}
    report(f"the network of {page_model.name}")
    difference = onnx.write(model, own / "model.onnx", mixtures=True)
    # Browsers keep these files by name: another network has another one.
    data["folder"] = f"{place}-{_short_hash(path.read_bytes() for path in sorted(own.iterdir()))}"
    own.rename(folder / data["folder"])
    return data, difference


def metadata(model: Model, name: str, run: RunFolder | None) -> dict[str, Any]:
    """Return an entry of models.json: description and history as the server returns them, and parameters of the samplers."""
    return {
        "model": model_description(model.recipe, model.spec, model.step)
        | {"name": name, "bundled": True, "training": False, "source": name if name in bundled() else None},
        "recipe": {"target": model.recipe.target, "clip": model.recipe.clip},
        "data_std": model.spec.data_std,
        "attributes": [{"name": each.name, "mean": each.mean, "std": each.std} for each in model.spec.attributes],
        "class_frequencies": list(model.spec.proportions),
        "weights": model.weights,
        "schedule": {
            "trained": figures.schedule_options(model.recipe.schedule),
            "sampled": figures.schedule_options(model.schedule()),
        },
        "names": {
            "trained": figures.schedule_name(model.recipe.schedule),
            "sampled": figures.schedule_name(model.schedule()),
        },
        "history": {}
        if run is None
        else figures.history(CatalogEntry(name, run, True), point_losses(model)) | {"milestones": []},
        "quality": figures.quality(
            [] if run is None else [CatalogEntry(name, run, name in bundled())], model.spec.data
        ),
    }
