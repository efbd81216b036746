"""The sections of a recipe that have the same fields in every recipe."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from inkwash.config.lengths import UNITS, Length
from inkwash.config.overrides import parse_change
from inkwash.config.registry_sections import ScheduleField
from inkwash.core.samplers import parse_sampler
from inkwash.data.array_pixels import require_range
from inkwash.data.spec import MAX_SIDE
from inkwash.errors import UsageError
from inkwash.io.validation import validated, validator_of

MAX_BATCH = 10**6


def _length(text: str) -> str:
    try:
        Length.parse(text)
    except UsageError:
        remedy = f"it must be a number above 0 and a unit of {', '.join(UNITS)}, as in '5 epochs'"
        raise PydanticCustomError("length", remedy, {"code": "invalid-value"}) from None
    return text


LengthText = Annotated[str, AfterValidator(_length)]
SamplerText = Annotated[str, validator_of(parse_sampler)]


@validated("data")
class DataConfig:
    """The data set that a run trains on."""

    name: str = "mnist"
    """Name of a data set, or path of a file or folder."""
    size: Annotated[int, Field(ge=1, le=MAX_SIDE)] | None = None
    """Side in pixels to which images are resized; not resized when left out."""
    range: Annotated[tuple[float, float], validator_of(require_range)] | None = None
    """Values of black and white in a file of arrays or a table, as in [0, 1]; 0 and 255 when left out."""
    invert: bool = False
    """Whether pixels p are replaced by 255 - p, as for drawings on paper, so that ink is light as in MNIST."""
    std: Annotated[float, Field(gt=0)] | None = None
    """Standard deviation by which the input of the network is scaled to unit variance (c_in of Karras et al., 2022).

    Measured on the training set when left out; 1 disables the scaling for alpha^2 + sigma^2 = 1 (Ho et al., 2020).
    """


@validated("training")
class TrainingConfig:
    """Length, batch size and conditioning of the training; lengths are "5 epochs", "1000 steps", "60000 images"."""

    length: LengthText = "10 epochs"
    """How long the run trains; "3 minutes" is possible here too."""
    batch: Annotated[int, Field(ge=1, le=MAX_BATCH)] = 128
    """Images per optimizer step, over all processes."""
    seed: Annotated[int, Field(ge=0, le=2**63 - 1)] = 0
    """Seed of the initial weights, the order of the data, the noise levels and the noise."""
    ema: LengthText = "60000 images"
    """Half-life of the exponential moving average of the weights."""
    label_dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Fraction of labels replaced by the null label, for classifier-free guidance (Ho & Salimans, 2022)."""
    guidance: Annotated[float, Field(ge=1)] = 1.0
    """Guidance weight that the network learns to predict in one evaluation; 1 for none."""
    guidance_interval: tuple[float, float] = (0.0, 1.0)
    """The u in [0, 1] between which guidance is learned (Kynkäänniemi et al., 2024)."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """Dtype of the network's operations; auto chooses by the device."""
    checkpoint_every: LengthText = "1 epoch"
    """Interval between checkpoints."""
    milestones: tuple[str, ...] = ()
    """Steps with sample images and a checkpoint that is kept, as in "1000 steps" or "every 2 epochs"; log-spaced when empty."""
    keep: Annotated[int, Field(ge=0)] | None = None
    """Number of the newest milestone checkpoints to keep; all when left out."""


@validated("sampling")
class SamplingConfig:
    """The defaults of sampling from the model."""

    sampler: SamplerText = "ddim:50"
    """Sampler and number of steps, as in "ddim:50"."""
    preview: SamplerText = "ddim:50"
    """Sampler of the images at milestones."""
    guidance: Annotated[float, Field(ge=0)] = 1.0
    """Weight w of classifier-free guidance, uncond + w (cond - uncond); 1 for none."""
    schedule: ScheduleField | None = None
    """Noise schedule of sampling; the training schedule when left out."""


def _changes(changes: tuple[str, ...]) -> tuple[str, ...]:
    for change in changes:
        parse_change(change)
    return changes


@validated("short")
class ShortConfig:
    """Changes of the recipe for a run of so few minutes that its network would train on fewer images than `below`."""

    below: Annotated[float, Field(gt=0)]
    """Number of images, estimated from the first steps of the network of the recipe."""
    changes: Annotated[tuple[str, ...], validator_of(_changes)]
    """Changes as for --set, as in "network.widths=[32, 64]"; a field that the user sets is not changed."""

    def without(self, paths: Iterable[str]) -> ShortConfig | None:
        """Return the changes of other fields than those that `paths` set; a path may be a section or its kind."""
        paths = [path.removesuffix(".kind") for path in paths]
        left = tuple(
            change
            for change in self.changes
            if not any(f"{parse_change(change)[0]}.".startswith(f"{path}.") for path in paths)
        )
        return replace(self, changes=left) if left else None


@validated("distillation")
class DistillationConfig:
    """Adversarial distillation of a model, the teacher, into one of a single evaluation; u is 0 for clean, 1 for noise."""

    start: Annotated[float, Field(gt=0, le=1)] = 0.8
    """The u at which noise is mapped to an image in one evaluation."""
    interval: tuple[Annotated[float, Field(gt=0, lt=1)], Annotated[float, Field(gt=0, lt=1)]] = (0.1, 0.8)
    """The u between which images are noised before their feature maps in the teacher are compared."""
    penalty: Annotated[float, Field(ge=0)] = 0.004
    """Weight of the gradient penalties of the discriminator."""
    lr: Annotated[float, Field(gt=0)] = 2e-3
    """Learning rate of the discriminator (Adam)."""
    mismatch: Annotated[float, Field(ge=0)] = 0.0
    """Weight of real images with a wrong label in the loss of the discriminator."""
    multistep: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Fraction of the batch in which the student denoises real images from u in [start / 2, start], for several steps."""


@validated("attribute_loss")
class AttributeLossConfig:
    """A loss of the attributes of images that are sampled in training, added to the denoising loss."""

    weight: Annotated[float, Field(gt=0)] = 0.4
    """Weight of the loss of an example with all its attributes; the attributes are standardized."""
    steps: Annotated[int, Field(ge=1)] = 15
    """Steps in which the images are sampled (dpm++2m, on the noise schedule of sampling)."""
    interval: tuple[float, float] = (0.4, 0.9)
    """The u in [0, 1] between which predictions get a gradient (DRaFT, Clark et al., 2024); lower ones lead to faint ink."""


@validated("experiment")
class ExperimentConfig:
    """The purpose of the run in words, for its card."""

    type: str = "experiment"
    objective: str = ""
    hypothesis: str = ""
    next: str = ""
