"""Export to diffusers: its pipeline samples the same images."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from inkwash.config.recipe import Recipe
from inkwash.core import Sampler, Schedule
from inkwash.data.spec import DatasetSpec
from inkwash.errors import UsageError
from inkwash.export import pipeline
from inkwash.model import Model, build_net

diffusers = pytest.importorskip("diffusers", reason="to write for diffusers needs the interop extra")


def random_model(target: str, conditional: bool = False, side: int = 8, std: float = 1.0) -> Model:
    """A model with random weights in place of its zero-initialized ones."""
    options = {"widths": [16, 32, 32], "blocks": 2, "groups": 8, "attention": [1, 2]}
    recipe = Recipe.from_dict(
        {
            "name": "made",
            "about": "a made-up one",
            "target": target,
            "data": {"name": "made"},
            "schedule": {"kind": "cosine", "offset": 0.0},
            "network": {"kind": "ddpm-unet", "conditional": conditional, **options},
        }
    )
    spec = DatasetSpec("made", "0" * 64, 10, (3, side, side), ("a", "b"), (0.5, 0.5), std)
    net = build_net(recipe, spec).eval().requires_grad_(False)
    generator = torch.Generator().manual_seed(0)
    for weight in net.parameters():
        if not weight.any():
            nn.init.normal_(weight, std=0.1, generator=generator)
    return Model("made", recipe, spec, net, 0, "0" * 12)


@dataclass(frozen=True)
class Trailing(Schedule):
    """The noise levels of the scheduler of diffusers with trailing timesteps: its t is 1000 c_noise."""

    count: int

    def alpha_sigma(self, u: Tensor) -> tuple[Tensor, Tensor]:
        return torch.cos(u * math.pi / 2), torch.sin(u * math.pi / 2)

    def grid(self, n: int) -> Tensor:
        return ((torch.arange(n, 0, -1, dtype=torch.float64) * self.count / n).round() - 1) / 1000


@pytest.mark.parametrize("target", ["eps", "v", "x0"])
@pytest.mark.parametrize("conditional", [False, True])
def test_pipeline_samples_the_images_of_our_sampler(target: str, conditional: bool, tmp_path: Path) -> None:
    model = random_model(target, conditional)
    assert pipeline.write(model, tmp_path / "made") < 1e-4
    loaded = diffusers.DDIMPipeline.from_pretrained(tmp_path / "made", low_cpu_mem_usage=False)
    loaded.set_progress_bar_config(disable=True)
    count = loaded.scheduler.config.num_train_timesteps
    # A divisor of 1000 or 993 timesteps, so that all steps are equally long.
    steps = 10 if count % 10 == 0 else 3
    images = loaded(
        batch_size=3,
        generator=torch.Generator().manual_seed(1),
        num_inference_steps=steps,
        # As here, the noise is computed from the clipped image.
        use_clipped_model_output=True,
        output_type="np",
    )
    start = torch.randn((3, *model.spec.shape), generator=torch.Generator().manual_seed(1))
    levels = Trailing(count)
    # The pipeline starts from unit noise, whatever the alpha of its first level.
    noise = start / float(levels.levels(steps)[0].sigma)
    *_, last = Sampler(levels, "ddim", steps)(model.denoiser(clip=target == "eps"), lambda k: noise)
    ours = (last.x / 2 + 0.5).clamp(0, 1).permute(0, 2, 3, 1)
    torch.testing.assert_close(torch.from_numpy(images.images), ours, atol=2e-4, rtol=0)


def test_eps_schedule_ends_at_the_noisiest_solvable_level(tmp_path: Path) -> None:
    pipeline.write(random_model("eps"), tmp_path / "made")
    table = diffusers.DDIMScheduler.from_pretrained(tmp_path / "made", subfolder="scheduler").alphas_cumprod
    noisiest = float(torch.log(table[-1] / (1 - table[-1])))
    assert -9 <= noisiest < -8.7
    assert len(diffusers.DDIMScheduler.from_pretrained(tmp_path / "made", subfolder="scheduler")) < 1000


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"target": "flow"}, "target"),
        ({"target": "edm"}, "target"),
        ({"side": 7}, "data.size"),
        ({"std": 0.5}, "data.std"),
    ],
)
def test_unsupported_model_is_refused_and_no_folder_is_left(
    changes: dict[str, Any], field: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError) as error:
        pipeline.write(random_model(**{"target": "eps"} | changes), tmp_path / "made")
    assert (error.value.code, error.value.field) == ("unsupported", field)
    assert list(tmp_path.iterdir()) == []


def test_folder_that_is_not_empty_is_not_written(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("of another")
    with pytest.raises(UsageError) as error:
        pipeline.write(random_model("eps"), tmp_path)
    assert error.value.code == "exists"
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
