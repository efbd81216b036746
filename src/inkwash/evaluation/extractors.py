"""Which judges see what: bundled ones for MNIST, others built once from the data and kept in the cache by its hash."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path

from inkwash import data as datasets
from inkwash.data import DATASETS, Dataset
from inkwash.data.spec import DatasetSpec
from inkwash.errors import InkwashError, UsageError
from inkwash.evaluation.formatting import span
from inkwash.evaluation.measures import real_figures
from inkwash.io import cache
from inkwash.io.cache import optional_writes
from inkwash.metrics import extractor_files
from inkwash.metrics import extractor_set as panels
from inkwash.metrics.extractor_set import ExtractorSet

Progress = Callable[[str, float], object]


@dataclass(frozen=True, eq=False)
class Bench:
    """Judges, and the data set that they know where it is at hand, None where it is not."""

    panel: ExtractorSet
    data: Dataset | None


def bundled() -> list[str]:
    """Return the names of the data sets whose judges come with inkwash."""
    folder = resources.files("inkwash.extractors")
    return sorted(item.name for item in folder.iterdir() if (item / "panel.json").is_file())


def for_data(spec: str | Path | Dataset, size: int | None = None, progress: Progress | None = None) -> Bench:
    """Return the judges of a data set: bundled, from the cache, or built now and kept there.

    Raises `UsageError` for data that cannot be judged, `InkwashError` for judges whose files are damaged, and for a test
    part that is not the one they know.
    """
    loaded = spec if isinstance(spec, Dataset) else datasets.load(spec, size)
    found = _kept(loaded.sha256)
    if found is not None and loaded.test_sha256 and found.about.test_sha256 not in ("", loaded.test_sha256):
        if found.about.data in bundled():
            raise InkwashError(
                f"the test part of {loaded.name} ({loaded.test_sha256[:12]}) is not that of {found.about.data} "
                f"({found.about.test_sha256[:12]}): it is damaged or of another set; fetch it again"
            )
        # one's own set may have grown: judges of before know other examples
        found = None
    if found is None:
        found = made(loaded, progress)
        if not loaded.is_points:
            with optional_writes():
                extractor_files.write(found, _place(loaded.sha256))
    return Bench(found, loaded)


def for_facts(spec: DatasetSpec, at_hand: str | Path | None = None, progress: Progress | None = None) -> Bench:
    """Return the judges of the data that a model was trained on; `at_hand` names or holds that data, if given.

    Without it, bundled or cached judges do; other data are built from their name if that still means the same.
    Raises `UsageError` when there are neither judges nor data.
    """
    size = spec.shape[-1] if len(spec.shape) == 3 else None
    if at_hand is not None:
        loaded = datasets.load(at_hand)
        # other data are named as such below, whether or not they have a size
        loaded = loaded if loaded.is_points else loaded.resized(size)
        if loaded.sha256 != spec.sha256:
            raise UsageError(
                f"--data {at_hand} is {loaded.name} ({loaded.sha256[:12]}), the model was trained on {spec.data} "
                f"({spec.sha256[:12]}): give that, or --judge {at_hand} to judge by other data than it learnt"
            )
        return for_data(loaded, progress=progress)
    found = _kept(spec.sha256)
    here = datasets.local(spec.data, size)
    if here is None and found is None and spec.data in DATASETS:
        here = datasets.load(spec.data, size)
    if here is not None and here.sha256 == spec.sha256:
        return for_data(here, progress=progress)
    if found is None:
        raise UsageError(
            f"there are no judges for {spec.data} ({spec.sha256[:12]}): give the data that the model was trained on "
            "by --data, and they are built from it once"
        )
    return Bench(found, None)


def for_shape(shape: tuple[int, ...]) -> Bench:
    """Return bundled judges that see examples of `shape`, for files that do not say what they should look like.

    Raises `UsageError` when there are none.
    """
    for name in bundled():
        found = _read(name)
        if found.about.shape == shape:
            return for_facts(_facts(found))
    raise UsageError(
        f"examples of {'×'.join(map(str, shape))} have no bundled judges ({', '.join(bundled())} alone have): "
        "give --judge DATA, the data that they should look like"
    )


def made(data: Dataset, progress: Progress | None = None) -> ExtractorSet:
    """Return new judges of `data`, with what its own test part scores."""
    panels.require_enough(data)
    if progress is not None and not data.is_points:
        progress(f"judges of {data.name} are built once, in about {span(panels.seconds(data))}, and kept", 0.0)
    found = panels.build(data, progress)
    if progress is not None:
        progress("the real test images are scored", 0.0)
    train, test = panels.parts(data)
    return replace(found, figures=real_figures(found, train, test.values, test.labels))


def _kept(sha256: str) -> ExtractorSet | None:
    for name in bundled():
        found = _read(name)
        if found.about.sha256 == sha256:
            return found
    place = _place(sha256)
    if not (place / "panel.json").is_file():
        return None
    found = extractor_files.read(place)
    if found.about.sha256 != sha256:
        raise InkwashError(f"the judges in {place} are of other data ({found.about.data}): delete that folder")
    return found


def _read(name: str) -> ExtractorSet:
    return extractor_files.read(Path(str(resources.files("inkwash.extractors") / name)))


def _place(sha256: str) -> Path:
    return cache.folder() / "judges" / sha256[:16]


def _facts(found: ExtractorSet) -> DatasetSpec:
    about = found.about
    return DatasetSpec(about.data, about.sha256, 0, about.shape, about.classes, about.proportions, 1.0)
