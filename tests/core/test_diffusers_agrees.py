"""Every step of our samplers equals that of the corresponding scheduler of diffusers.

diffusers keeps its tables and its sigmas in float32, and the states here are float32 too: a product of a thousand
such factors is good to about 1e-5, and the states may differ by that much of their size (up to 60 for an
eps-network without training). A wrong coefficient shows as 1e-2 and more. The table used here ends at alpha = 0.08:
near alpha = 0 every solver multiplies the rounding of an eps-network by 1 / alpha.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from inkwash.core import Cosine, Flow, Level, Linear, NetDenoiser, Quadratic, Sampler, Schedule, Target, Warped
from inkwash.core.warps import Shift

diffusers = pytest.importorskip("diffusers")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

T = 1000
TABLE = Linear(T=T, start=1e-4, end=0.01)
SHAPE = (2, 1, 4, 4)
KINDS = {"eps": "epsilon", "x0": "sample", "v": "v_prediction"}
every_target = pytest.mark.parametrize("target", KINDS)
Draws = Callable[..., Callable[[int], Tensor]]


class Untrained(nn.Module):
    """A small convolution of the state and the c_noise of its level, the same on every run."""

    def __init__(self) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.first = torch.randn(6, 2, 3, 3, generator=generator) / 4
        self.last = torch.randn(1, 6, 3, 3, generator=generator) / 7

    def forward(self, x: Tensor, c_noise: Tensor, label: Tensor | None = None) -> Tensor:
        plane = c_noise.reshape(-1, 1, 1, 1).expand(-1, 1, *x.shape[2:])
        hidden = torch.tanh(nn.functional.conv2d(torch.cat([x, 3 * plane], 1), self.first, padding=1))
        return nn.functional.conv2d(hidden, self.last, padding=1)


NET = Untrained()


def theirs(name: str, target: str, **settings: object) -> Any:
    """Return the scheduler of diffusers on our beta table, with levels at T, T - T/n, ... as ours are."""
    common = {"num_train_timesteps": T, "beta_start": TABLE.start, "beta_end": TABLE.end, "beta_schedule": "linear"}
    spacing = {"prediction_type": KINDS[target], "timestep_spacing": "trailing"}
    return getattr(diffusers, name)(**{**common, **spacing, **settings})


def output_at(x: Tensor, timestep: Tensor) -> Tensor:
    """Return the output of the network at timestep t of diffusers, which is our timestep t + 1."""
    return NET(x, TABLE((int(timestep) + 1) / T).c_noise.float().expand(len(x)))


def ours(kind: str, target: str, steps: int, noise: Callable[[int], Tensor], **settings: float) -> list[Tensor]:
    """Return the states after each of our steps."""
    frames = Sampler(TABLE, kind, steps=steps, **settings)(NetDenoiser(NET, Target(target)), noise)
    return [frame.x for frame in frames]


def start(draws: Draws) -> tuple[Tensor, Callable[[int], Tensor]]:
    """Return our first state and the source of float32 noise that made it."""
    source = draws(SHAPE[0], *SHAPE[1:])
    return TABLE.terminal.sigma.float() * source(0).float(), lambda draw: source(draw).float()


def assert_same_path(found: list[Tensor], expected: list[Tensor]) -> None:
    assert len(found) == len(expected)
    for step, (one, other) in enumerate(zip(found, expected, strict=True)):
        assert (one - other).abs().max() < 1e-5 * max(1.0, other.abs().max().item()), f"after step {step}"


@every_target
@pytest.mark.parametrize("steps", [10, 40])
def test_ddpm(target: str, steps: int, draws: Draws) -> None:
    x, _ = start(draws)
    scheduler = theirs("DDPMScheduler", target, clip_sample=False, variance_type="fixed_small")
    scheduler.set_timesteps(steps)
    # diffusers uses a generator: our sampler gets the same numbers from a second one.
    generator, twin = (torch.Generator().manual_seed(7) for _ in range(2))
    path, fresh = [x], [x / TABLE.terminal.sigma.float()]
    for timestep in scheduler.timesteps:
        fresh.append(torch.randn(SHAPE, generator=twin))
        path.append(scheduler.step(output_at(path[-1], timestep), timestep, path[-1], generator=generator).prev_sample)
    assert_same_path(ours("ddpm", target, steps, fresh.__getitem__), path)


@every_target
@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
def test_ddim(target: str, eta: float, draws: Draws) -> None:
    x, noise = start(draws)
    scheduler = theirs("DDIMScheduler", target, clip_sample=False, set_alpha_to_one=True)
    scheduler.set_timesteps(20)
    path = [x]
    for draw, timestep in enumerate(scheduler.timesteps, start=1):
        output = output_at(path[-1], timestep)
        path.append(scheduler.step(output, timestep, path[-1], eta=eta, variance_noise=noise(draw)).prev_sample)
    assert_same_path(ours("ddim", target, 20, noise, eta=eta), path)


@every_target
@pytest.mark.parametrize(("kind", "algorithm"), [("dpm++2m", "dpmsolver++"), ("dpm++2m-sde", "sde-dpmsolver++")])
def test_dpm_solver_of_second_order(kind: str, algorithm: str, target: str, draws: Draws) -> None:
    x, noise = start(draws)
    scheduler = theirs(
        "DPMSolverMultistepScheduler",
        target,
        algorithm_type=algorithm,
        solver_order=2,
        solver_type="midpoint",
        lower_order_final=False,
    )
    scheduler.set_timesteps(20)
    path = [x]
    for draw, timestep in enumerate(scheduler.timesteps, start=1):
        output = output_at(path[-1], timestep)
        path.append(scheduler.step(output, timestep, path[-1], variance_noise=noise(draw)).prev_sample)
    assert_same_path(ours(kind, target, 20, noise), path)


def test_dpm_solver_of_third_order_for_linear_predictions(draws: Draws) -> None:
    # On a straight line in half log-SNR only. Where the prediction bends they give its second difference half the weight
    # that integrating the parabola gives it; test_order_of_convergence.py decides which one is of order three.
    def straight(x: Tensor, level: Level, label: Tensor | None = None) -> Tensor:
        return (0.3 - 0.2 * level.log_snr).float() * torch.ones_like(x)

    x, noise = start(draws)
    scheduler = theirs(
        "DPMSolverMultistepScheduler", "x0", algorithm_type="dpmsolver++", solver_order=3, lower_order_final=False
    )
    scheduler.set_timesteps(20)
    path = [x]
    for timestep in scheduler.timesteps:
        output = straight(path[-1], TABLE((int(timestep) + 1) / T))
        path.append(scheduler.step(output, timestep, path[-1]).prev_sample)
    found = [frame.x for frame in Sampler(TABLE, "dpm++3m", steps=20)(straight, noise)]
    assert_same_path(found, path)


@pytest.mark.parametrize("target", ["eps", "v"])
@pytest.mark.parametrize(
    ("kind", "name", "evaluations"),
    [
        ("euler", "EulerDiscreteScheduler", 1),
        ("ddim", "EulerDiscreteScheduler", 1),
        ("heun", "HeunDiscreteScheduler", 2),
    ],
)
def test_the_solvers_of_karras(kind: str, name: str, evaluations: int, target: str, draws: Draws) -> None:
    # theirs holds x / alpha, and scales it back for the network
    x, noise = start(draws)
    scheduler = theirs(name, target)
    scheduler.set_timesteps(20)
    state, path = x / TABLE.terminal.alpha.float(), []
    for call, timestep in enumerate(scheduler.timesteps):
        seen = scheduler.scale_model_input(state, timestep)
        if call % evaluations == 0:
            path.append(seen)
        state = scheduler.step(output_at(seen, timestep), timestep, state).prev_sample
    assert_same_path(ours(kind, target, 20, noise), [*path, state])


@pytest.mark.parametrize("shift", [1.0, 3.0])
def test_flow_matching_with_a_shift(shift: float, draws: Draws) -> None:
    schedule, steps = Warped(Flow(), Shift(shift)), 20
    scheduler = diffusers.FlowMatchEulerDiscreteScheduler(num_train_timesteps=T, shift=shift)
    scheduler.set_timesteps(sigmas=[(steps - step) / steps for step in range(steps)])
    source = draws(SHAPE[0], *SHAPE[1:])
    path = [source(0).float()]
    for timestep in scheduler.timesteps:
        noise_share = timestep / T
        seen = path[-1] / torch.hypot(1 - noise_share, noise_share)
        c_noise = Level(1 - noise_share, noise_share).c_noise.float().expand(SHAPE[0])
        path.append(scheduler.step(NET(seen, c_noise), timestep, path[-1]).prev_sample)
    sampler = Sampler(schedule, "euler", steps=steps)
    frames = sampler(NetDenoiser(NET, Target("flow")), lambda draw: source(draw).float())
    assert_same_path([frame.x for frame in frames], path)


@pytest.mark.parametrize(
    ("theirs_name", "schedule", "rows"),
    [
        ("linear", Linear(), T),
        ("scaled_linear", Quadratic(), T),
        # the last beta of theirs is capped at 0.999, where ours reaches exactly zero
        ("squaredcos_cap_v2", Cosine(), T - 1),
    ],
)
def test_beta_schedules(theirs_name: str, schedule: Schedule, rows: int) -> None:
    scheduler = diffusers.DDPMScheduler(
        num_train_timesteps=T, beta_start=1e-4, beta_end=0.02, beta_schedule=theirs_name
    )
    expected = scheduler.alphas_cumprod[:rows].double()
    found = schedule(torch.arange(1, rows + 1, dtype=torch.float64) / T).alpha ** 2
    torch.testing.assert_close(found, expected, rtol=2e-4, atol=1e-7)


@pytest.mark.parametrize("row", [1, 250, 1000])
def test_the_forward_process(row: int, draws: Draws) -> None:
    scheduler = theirs("DDPMScheduler", "eps")
    images, noise = (draws(SHAPE[0], *SHAPE[1:])(draw).float() for draw in (0, 1))
    expected = scheduler.add_noise(images, noise, torch.tensor([row - 1] * SHAPE[0]))
    torch.testing.assert_close(TABLE(row / T).mix(images, noise), expected, rtol=0, atol=1e-5)


def test_the_velocity_target(draws: Draws) -> None:
    scheduler = theirs("DDPMScheduler", "v")
    images, noise = (draws(SHAPE[0], *SHAPE[1:])(draw).float() for draw in (0, 1))
    expected = scheduler.get_velocity(images, noise, torch.tensor([299] * SHAPE[0]))
    torch.testing.assert_close(Target("v").of(TABLE(0.3), images, noise), expected, rtol=0, atol=1e-5)
