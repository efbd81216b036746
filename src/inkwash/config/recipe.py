"""A recipe: everything that determines a training run, as one frozen value that is read from and written to TOML."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from importlib import resources
from pathlib import Path
from typing import Annotated, Any

from inkwash.config import contradictions, overrides
from inkwash.config.lengths import Length, Milestones
from inkwash.config.registry_sections import (
    SECTIONS,
    SKIP_NETWORK_OPTIONS,
    DensityField,
    NetworkField,
    RegistryName,
    ScheduleField,
    WeightField,
)
from inkwash.config.sections import (
    AttributeLossConfig,
    DataConfig,
    DistillationConfig,
    ExperimentConfig,
    SamplingConfig,
    ShortConfig,
    TrainingConfig,
)
from inkwash.core import TARGETS, Linear, Uniform
from inkwash.data import canonical_name
from inkwash.errors import UsageError, unknown_name, wrong_file_error
from inkwash.io import json_schema, limits, toml
from inkwash.io.arguments import wrong_type
from inkwash.io.names import sanitized_name
from inkwash.io.validation import adapter, validate, validated
from inkwash.nets import NETS
from inkwash.objectives import Unweighted
from inkwash.optim.optimizers import OptimizerConfig
from inkwash.text import html, synonyms


@validated("")
class Recipe:
    """All settings of a training run; each field is a key or a section of the TOML file.

    Raises `UsageError` for values out of range and for sections that contradict each other.
    """

    name: str
    """Name of the run folder and of its images; that of the recipe file when left out."""
    network: NetworkField
    """The network and its options."""
    about: str = ""
    """One line for lists of recipes."""
    data: DataConfig = field(default_factory=DataConfig)
    target: Annotated[str, RegistryName(TARGETS)] = "eps"
    """The quantity that the network predicts."""
    clip: bool = False
    """Whether sampling clips the predicted image to [-1, 1], which the loss then takes into account."""
    schedule: ScheduleField = field(default_factory=Linear)
    """Noise schedule of training."""
    density: DensityField = field(default_factory=Uniform)
    """Distribution of noise levels in training."""
    weight: WeightField = field(default_factory=Unweighted)
    """Weight of the loss by noise level."""
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    short: ShortConfig | None = None
    """Changes for a run of few minutes, applied when the run is started; none when left out."""
    distillation: DistillationConfig | None = None
    """Adversarial distillation of the model that training starts from; the denoising loss when left out."""
    attribute_loss: AttributeLossConfig | None = None
    """Loss of the attributes of sampled images, added to the denoising loss; none when left out."""
    sampling: SamplingConfig = field(default_factory=SamplingConfig)
    experiment: ExperimentConfig = field(default_factory=ExperimentConfig)

    def __post_init__(self) -> None:
        contradictions.check(self)

    def __repr__(self) -> str:
        return f"Recipe({self.name!r}, {self.network.kind} on {self.data.name}, {self.training.length})"

    def _repr_html_(self) -> str:
        sections = {"": {"about": self.about}} | {
            name: values if isinstance(values, dict) else {"": values}
            for name, values in self.to_dict().items()
            if values is not None and name not in ("name", "about", "experiment")
        }
        rows = [
            (f"{section}.{name}".strip("."), value)
            for section, values in sections.items()
            for name, value in values.items()
            if value is not None
        ]
        return html.table(f"recipe {self.name}", rows)

    @property
    def milestones(self) -> Milestones:
        """The moments of sample images and kept checkpoints."""
        return Milestones(self.training.milestones)

    def for_classes(self, classes: Sequence[str]) -> Recipe:
        """Return this recipe for data of these `classes`: without any, the network is unconditional and not guided."""
        if classes or not self.network.conditional:
            return self
        plain = TrainingConfig()
        training = replace(
            self.training,
            label_dropout=plain.label_dropout,
            guidance=plain.guidance,
            guidance_interval=plain.guidance_interval,
        )
        sampling = replace(self.sampling, guidance=SamplingConfig().guidance)
        return replace(self, network=replace(self.network, conditional=False), training=training, sampling=sampling)

    def to_dict(self) -> dict[str, Any]:
        """Return the sections as plain values, every default resolved: the content of TOML files and checkpoints."""
        return adapter(Recipe).dump_python((self,))[0]

    def to_toml(self) -> str:
        """Return the resolved recipe as TOML."""
        import tomli_w

        return tomli_w.dumps(_without_none(self.to_dict()))

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], check_network_options: bool = True) -> Recipe:
        """Return the recipe of `values`: plain values, or objects for sections.

        `check_network_options` is False for a network that is given as an object. Raises `UsageError` for unknown fields,
        with the nearest valid one, and for values out of range.
        """
        limits.require_bounded(values)
        try:
            return validate(cls, dict(values), context=None if check_network_options else SKIP_NETWORK_OPTIONS)
        except UsageError as error:
            meant = synonyms.fields(error.field or "", field_paths(values)) if error.code == "unknown-field" else []
            if not meant:
                raise
            remedy = ', such as "5 epochs"; or use --epochs, --steps or --minutes' if "training.length" in meant else ""
            message = f"unknown field '{error.field}': use {' or '.join(meant)}{remedy}"
            raise UsageError(message, code=error.code, field=error.field) from None

    def with_changes(self, changes: Sequence[str] | Mapping[str, Any]) -> Recipe:
        """Return this recipe with `changes`: texts such as "optimizer.lr=1e-3", or paths of fields and their values.

        Values in texts are read as TOML, else as strings. A path may have two underscores for each dot. A value may be an
        object for a section, such as `Cosine()` for "schedule".
        """
        if isinstance(changes, Mapping):
            pairs = [(name.replace("__", "."), value) for name, value in changes.items()]
        else:
            pairs = [overrides.parse_change(change) for change in changes]
        values = self.to_dict()
        for path, value in pairs:
            overrides.apply(values, path, value)
        # Sections without changes stay objects, whose classes may be in no table.
        changed = {path.partition(".")[0] for path, _ in pairs}
        same = {part: each for part, each in vars(self).items() if part not in changed}
        if self.short is not None and "short" in same:
            same["short"] = self.short.without(path for path, _ in pairs)
        return Recipe.from_dict(values | same)

    def shortened(self) -> Recipe:
        """Return this recipe with the changes of its section [short], which the result does not have."""
        return replace(self, short=None).with_changes(self.short.changes if self.short else ())


def field_paths(values: Mapping[str, Any]) -> list[str]:
    """Return the paths of all fields that a recipe with the kinds of `values` has."""
    # Only kinds decide which fields there are; sections that are objects are written as plain values.
    plain = {
        name: kinds.write(values[name]) if kinds.accepts(values[name]) else values[name]
        for name, kinds in SECTIONS.items()
        if name in values
    }
    root = json_schema.generate(adapter(Recipe))
    return list(json_schema.field_paths(root, plain, json_schema.child(root, root, 0, plain)))


def bundled() -> list[str]:
    """Return the names of the bundled recipes."""
    return sorted(
        file.name[:-5] for file in resources.files("inkwash.recipes").iterdir() if file.name.endswith(".toml")
    )


def read_text(name: str | Path) -> str:
    """Return the TOML text of a bundled recipe or of a file. Raises `UsageError` if there is none."""
    if not isinstance(name, str | Path):
        raise wrong_type("recipe", name, "a Recipe, the name of a bundled one, or a file NAME.toml")
    if str(name) in bundled():
        return (resources.files("inkwash.recipes") / f"{name}.toml").read_text(encoding="utf-8")
    path = Path(name)
    if path.suffix != ".toml" or not path.is_file():
        raise _no_recipe(str(name))
    return limits.read_recipe_file(path)


def _no_recipe(name: str) -> UsageError:
    """Return the error for a `name` without a recipe; data sets and files of other kinds are recognized."""
    dataset = canonical_name(name)
    if dataset is not None:
        trained = [each for each in bundled() if load(each).data.name == dataset]
        recipes = f"recipes that train on it are {', '.join(trained)}" if trained else "no bundled recipe names it"
        message = f"{name} is a data set, not a recipe: {recipes}; for others, inkwash train RECIPE --data {dataset}"
        return UsageError(message, code="unknown-name", field="recipe")
    if Path(name).is_file():
        wanted = f"a bundled recipe ({', '.join(bundled())}), a recipe file NAME.toml, or a run folder"
        return wrong_file_error(Path(name), "recipe", wanted)
    return unknown_name("recipe", name, bundled())


def load(name: str | Path) -> Recipe:
    """Return the recipe `name`, a bundled one or a TOML file. Raises `UsageError` when it cannot be read or is invalid."""
    try:
        values = toml.parse(read_text(name))
    except ValueError as error:
        raise UsageError(f"recipe {name} is not TOML: {error}", code="wrong-file", field="recipe") from None
    try:
        recipe = Recipe.from_dict({"name": sanitized_name(Path(name).stem)} | values)
        recipe.shortened()  # Raises for invalid changes.
        return recipe
    except UsageError as error:
        raise UsageError(f"recipe {name}: {error}", code=error.code, field=error.field) from None


def with_length(recipe: Recipe, length: Length) -> Recipe:
    """Return `recipe` with another training length."""
    return replace(recipe, training=replace(recipe.training, length=str(length)))


def changed_sections(then: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Return the sections in which two recipes train differently; length, checkpoints and milestones are ignored."""
    free = {"length", "checkpoint_every", "milestones"}
    sections = ["network", "target", "clip", "schedule", "density", "weight", "optimizer", "training"]
    sections += ["distillation", "attribute_loss"]
    # A field that did not exist in the version of `then` has its default.
    before = Recipe.from_dict(then, check_network_options=str(then["network"]["kind"]) in NETS).to_dict()

    def fixed(section: Any) -> Any:
        plain = json.loads(json.dumps(section))
        return {key: value for key, value in plain.items() if key not in free} if isinstance(plain, dict) else plain

    return [name for name in sections if fixed(before[name]) != fixed(now[name])]


def _without_none(values: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in values.items() if value is not None}
    return {key: _without_none(value) if isinstance(value, Mapping) else value for key, value in kept.items()}
