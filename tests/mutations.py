"""Apply one-line faults to a copy of inkwash, one at a time, and report which of them the tests find.

    python tests/mutations.py                   all faults, one after the other
    python tests/mutations.py heun kid-cube     some of them
    python tests/mutations.py --jobs 2 --list

A fault is a text that stands exactly once in the package, wherever its file lies, and what replaces it. The exit code is
1 when a fault survives, when a text is not found exactly once, when a file of tests is missing, or when a fault keeps the
package from being imported (such a fault tests nothing). The tests of each selection are first run without a fault, unless
--trust is given. Run by hand.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import os
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import pytest
import torch

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "inkwash"
LIMIT = 600
"""Seconds after which a run of tests counts as failed: a fault may loop for ever."""

LEVELS = ("tests/core/test_levels.py", "tests/core/test_targets.py")
SCHEDULES = ("tests/core/test_schedules.py",)
WARPS = ("tests/core/test_warps.py",)
DENSITIES = ("tests/core/test_densities.py",)
TARGETS = ("tests/core/test_targets.py",)
DENOISERS = ("tests/core/test_denoiser_wrappers.py",)
GUIDANCE = ("tests/core/test_guidance_laws.py",)
EXACT = ("tests/core/test_exact_denoisers.py",)
SOLVERS = ("tests/core/test_order_of_convergence.py", "tests/core/test_diffusers_agrees.py")
SHARES = ("tests/core/test_marginals_are_kept.py", "tests/core/test_paper_identities.py")
NOISE = ("tests/core/test_rng.py",)
OBJECTIVES = ("tests/objectives/test_denoising_objective.py",)
WEIGHTS = ("tests/objectives/test_loss_weights.py",)
EMA = ("tests/training/test_ema.py",)
BATCHES = ("tests/training/test_batches.py",)
VALIDATION = ("tests/training/test_validation.py",)
OPTIMIZERS = ("tests/optim/test_optimizers.py", "tests/optim/test_muon.py")
LENGTHS = ("tests/config/test_lengths.py",)
LOOP = ("tests/training/test_loop.py", "tests/training/test_ema.py")
RESUME = ("tests/training/test_state.py", "tests/runs/test_exact_resume.py")
SHARING = ("tests/distributed/test_process_group.py",)
DISTRIBUTED = ("tests/distributed/test_distributed_training.py::test_weights_equal_those_of_one_process",)
SAMPLING = (
    "tests/sampling/test_sampling.py",
    "tests/sampling/test_editing.py",
    "tests/sampling/test_requests.py",
    "tests/runs/test_models.py",
)
FRECHET = ("tests/metrics/test_frechet.py",)
KID = ("tests/metrics/test_kid.py",)
NEIGHBOURS = ("tests/metrics/test_nearest_neighbours.py",)
CLASSES = ("tests/metrics/test_class_accuracy.py",)
LIKELIHOOD = ("tests/metrics/test_likelihood.py",)
EXTRACTOR_SETS = ("tests/metrics/test_extractor_sets.py",)
CLASSIFIER_TESTS = ("tests/metrics/test_classifier_tests.py",)


class Fault(NamedTuple):
    """A fault called `name`: `text` becomes `replacement`, and one of `tests` should fail."""

    name: str
    text: str
    replacement: str
    tests: tuple[str, ...]


FAULTS = (
    # core: levels, schedules, warps, densities
    Fault(
        "mix-sign",
        "broadcast_like(self.alpha, image) * image + broadcast_like",
        "broadcast_like(self.alpha, image) * image - broadcast_like",
        LEVELS,
    ),
    Fault(
        "noise-in-divisor",
        "broadcast_like(self.alpha, x) * image) / broadcast_like(self.sigma, x)",
        "broadcast_like(self.alpha, x) * image)",
        LEVELS,
    ),
    Fault(
        "image-in-sign",
        "(x - broadcast_like(self.sigma, x) * noise)",
        "(x + broadcast_like(self.sigma, x) * noise)",
        LEVELS,
    ),
    Fault("log-snr-factor", "return 2 * (torch.log(self.alpha)", "return 1 * (torch.log(self.alpha)", LEVELS),
    Fault("c-noise-swapped", "torch.atan2(self.sigma, self.alpha)", "torch.atan2(self.alpha, self.sigma)", LEVELS),
    Fault("within-open-end", "(self.c_noise <= noisiest.c_noise)", "(self.c_noise < noisiest.c_noise)", LEVELS),
    Fault(
        "table-last-row", "position.floor().clamp(0, self.T - 1)", "position.floor().clamp(0, self.T - 2)", SCHEDULES
    ),
    Fault(
        "table-lerp-swapped",
        "torch.lerp(table[below], table[below + 1]",
        "torch.lerp(table[below + 1], table[below]",
        SCHEDULES,
    ),
    Fault(
        "table-sigma",
        "torch.sqrt(-torch.expm1(log_alpha_bar))",
        "torch.sqrt(-torch.expm1(log_alpha_bar / 2))",
        SCHEDULES,
    ),
    Fault("snap-floor", "(u * self.T - 1e-6).ceil()", "(u * self.T - 1e-6).floor()", SCHEDULES),
    Fault(
        "grid-off-by-one",
        "torch.arange(n, 0, -1, dtype=torch.float64) / n",
        "torch.arange(n, 0, -1, dtype=torch.float64) / (n + 1)",
        SCHEDULES,
    ),
    Fault("cosine-offset", "math.pi / 2 / (1 + self.offset)", "math.pi / 2 / (1 - self.offset)", SCHEDULES),
    Fault("sigmoid-reversed", "((last - now) / (last - first))", "((now - first) / (last - first))", SCHEDULES),
    Fault(
        "karras-rho", "self.low ** (1 / self.rho), self.high", "self.low ** (1 / self.rho) * 2, self.high", SCHEDULES
    ),
    Fault(
        "log-linear-reversed",
        "self.high + u * (self.low - self.high)",
        "self.low + u * (self.high - self.low)",
        SCHEDULES,
    ),
    Fault(
        "quadratic-square",
        "torch.linspace(start, end, self.T, dtype=torch.float64) ** 2",
        "torch.linspace(start, end, self.T, dtype=torch.float64)",
        SCHEDULES,
    ),
    Fault(
        "find-direction", "if self(middle).log_snr > log_snr else", "if self(middle).log_snr < log_snr else", SCHEDULES
    ),
    Fault("between-swapped", "(CLEAN if low == 0 else self(low))", "(CLEAN if low == 0 else self(high))", SCHEDULES),
    Fault("shift-denominator", "(1 + (self.s - 1) * u)", "(1 + (self.s + 1) * u)", WARPS),
    Fault("power-inverse", "return u**self.rho", "return u ** (1 / self.rho)", WARPS),
    Fault("logit-normal-mean", "torch.sigmoid(self.mean + self.std", "torch.sigmoid(-self.mean + self.std", DENSITIES),
    Fault(
        "log-normal-swapped", "Level(torch.ones_like(sigma), sigma)", "Level(sigma, torch.ones_like(sigma))", DENSITIES
    ),
    # core: targets, denoisers, guidance, exact denoisers
    Fault("v-sign", "return -sigma / length, alpha / length", "return sigma / length, alpha / length", TARGETS),
    Fault("edm-std", "sigma / (std * length)", "sigma / length", TARGETS),
    Fault("determinant-sign", "level.alpha * q - level.sigma * p", "level.alpha * q + level.sigma * p", TARGETS),
    Fault(
        "target-image-sign",
        "* x - broadcast_like(level.sigma / d, x) * output",
        "* x + broadcast_like(level.sigma / d, x) * output",
        TARGETS,
    ),
    Fault(
        "target-noise-level",
        "broadcast_like(level.alpha / d, x) * output",
        "broadcast_like(level.sigma / d, x) * output",
        TARGETS,
    ),
    Fault("input-scale-std", "(level.alpha * self.target.data_std) ** 2", "level.alpha ** 2", DENOISERS),
    Fault(
        "inpaint-swapped",
        "(self.mask.bool(), self.known, denoised)",
        "(self.mask.bool(), denoised, self.known)",
        DENOISERS,
    ),
    Fault(
        "pair-swapped",
        "self.first(x, level, label), self.second(x, level, label)",
        "self.second(x, level, label), self.first(x, level, label)",
        DENOISERS,
    ),
    Fault("clip-one-side", ".clamp(self.low, self.high)", ".clamp(max=self.high)", DENOISERS),
    Fault("guidance-base", "guided = uncond + self.weight", "guided = cond + self.weight", GUIDANCE),
    Fault(
        "guidance-interval-swapped",
        "torch.where(broadcast_like(inside, x).bool(), guided, cond)",
        "torch.where(broadcast_like(inside, x).bool(), cond, guided)",
        GUIDANCE,
    ),
    Fault(
        "empirical-variance", "log_weight = -distance / (2 * sigma**2)", "log_weight = -distance / (2 * sigma)", EXACT
    ),
    Fault(
        "empirical-label", "other = (self.labels != label[:, None])", "other = (self.labels == label[:, None])", EXACT
    ),
    Fault("gaussian-variance", "self.covariance + sigma**2 * identity", "self.covariance + sigma * identity", EXACT),
    Fault("mixture-normalizer", "- x.shape[1] / 2 * variance.log()", "+ x.shape[1] / 2 * variance.log()", EXACT),
    # core: samplers
    Fault("heun", "(noise + noise_ahead) / 2", "(noise + noise) / 2", SOLVERS),
    Fault(
        "heun-end",
        "noise_ahead = nxt.noise_in(ahead, denoise(ahead, nxt))",
        "noise_ahead = nxt.noise_in(ahead, denoise(ahead, now))",
        SOLVERS,
    ),
    Fault("2m-half", "(ratio / 2).to(denoised)", "ratio.to(denoised)", SOLVERS),
    Fault(
        "2m-ratio-inverted",
        "_step_size(now, nxt) / _step_size(past[-1].level, now)",
        "_step_size(past[-1].level, now) / _step_size(now, nxt)",
        SOLVERS,
    ),
    Fault("3m-mean-square", "h * (h - 2) / weight + 2", "h * (h + 2) / weight + 2", SOLVERS),
    Fault("3m-subscript", "(mean_tt + mean_t * h1)", "(mean_tt + mean_t * h2)", SOLVERS),
    Fault("posterior-eta", "eta**2 * (1 - _retained(now, nxt) ** 2)", "eta * (1 - _retained(now, nxt) ** 2)", SHARES),
    Fault("sde-exponent", "1 - _retained(now, nxt) ** (2 * eta)", "1 - _retained(now, nxt) ** eta", SHARES),
    Fault(
        "kept-subscripts",
        "now.alpha * nxt.sigma / (nxt.alpha * now.sigma)",
        "nxt.alpha * nxt.sigma / (now.alpha * now.sigma)",
        SHARES,
    ),
    Fault(
        "step-level",
        "self.fresh_noise_fraction(now, nxt), now.noise_in(x, image)",
        "self.fresh_noise_fraction(now, nxt), nxt.noise_in(x, image)",
        SHARES,
    ),
    Fault("history-level", "[*past[-1:], frame] if refined", "[*past[:1], frame] if refined", SOLVERS),
    Fault("blend-root", "(1 - fraction).sqrt().to(kept) * kept", "(1 - fraction).to(kept) * kept", SHARES),
    Fault("temperature-dropped", "(fraction.sqrt() * self.temperature)", "(fraction.sqrt())", SHARES),
    Fault("fresh-noise-draw", "fresh = noise(step) *", "fresh = noise(step - 1) *", SHARES),
    # core: noise
    Fault("philox-key", "[0x9E3779B9, 0xBB67AE85]", "[0xBB67AE85, 0x9E3779B9]", NOISE),
    Fault("philox-rounds", "for _ in range(10):", "for _ in range(9):", NOISE),
    Fault("seed-high-word", "(seed >> 32) & _WORD", "(seed >> 31) & _WORD", NOISE),
    Fault("uniform-half", "count).double() + 0.5) / 2**32", "count).double() + 1.0) / 2**32", NOISE),
    Fault("normal-variance", "torch.sqrt(-2 * torch.log(pairs", "torch.sqrt(-1 * torch.log(pairs", NOISE),
    Fault("spherical-line", "torch.sin(quarter * (1 - shaped)) * near", "(1 - shaped) * near", NOISE),
    Fault("streams-collide", "    TRAIN_LEVEL = 3", "    TRAIN_LEVEL = 2", NOISE),
    # objectives
    Fault("gain-sign", "gain = -level.sigma / target", "gain = level.sigma / target", OBJECTIVES),
    Fault("gain-square", "self.weight(level, target) * gain**2", "self.weight(level, target) * gain.abs()", OBJECTIVES),
    Fault(
        "clip-sides",
        "(image_error < 0) | (images >= 1) & (image_error > 0)",
        "(image_error > 0) | (images >= 1) & (image_error < 0)",
        OBJECTIVES,
    ),
    Fault("guidance-minus-one", "(self.guidance - 1) * uncond_error", "self.guidance * uncond_error", OBJECTIVES),
    Fault("guidance-divisor", "scaled / self.guidance, error[rows]", "scaled, error[rows]", OBJECTIVES),
    Fault("null-label", "torch.full_like(labels, NULL_LABEL)", "labels", OBJECTIVES),
    Fault("strata-of-whole-batch", "(strata + u) / (of or len(u))", "(strata + u) / len(u)", SHARING),
    Fault("dropout-reversed", "u.to(labels.device) < p_uncond", "u.to(labels.device) > p_uncond", BATCHES),
    Fault("min-snr-side", ".clamp(max=self.gamma)", ".clamp(min=self.gamma)", WEIGHTS),
    Fault("soft-min-snr-sign", "torch.exp(-level.log_snr))", "torch.exp(level.log_snr))", WEIGHTS),
    Fault("edm-weight", "target.data_std**-2", "target.data_std**2", WEIGHTS),
    Fault(
        "simple-loss-square",
        "(target.determinant(level) / level.sigma) ** 2",
        "(target.determinant(level) / level.sigma)",
        WEIGHTS,
    ),
    # training
    Fault("ema-ramp", "min(half_life, step / 20)", "min(half_life, step / 10)", EMA),
    Fault("ema-share", "list[Tensor](net.parameters()), 1 - decay)", "list[Tensor](net.parameters()), decay)", EMA),
    Fault("ema-batchnorm", "layer.momentum = None", "layer.momentum = 0.1", EMA),
    Fault("noise-stream", "place, step, Stream.TRAIN_NOISE", "place, step, Stream.TRAIN_LEVEL", BATCHES),
    Fault("noise-step", "normals(self.seed, place, step, Stream", "normals(self.seed, place, 0, Stream", BATCHES),
    Fault(
        "epoch-start",
        "torch.arange((step - 1) * self.size, step * self.size)",
        "torch.arange(step * self.size, (step + 1) * self.size)",
        BATCHES,
    ),
    Fault("shuffle-epoch", "permutation(seed, epoch, Stream.SHUFFLE", "permutation(seed, 0, Stream.SHUFFLE", BATCHES),
    Fault("share-strata", "[:, 0], int(place[0]), self.size)", "[:, 0], 0, self.size)", SHARING),
    Fault("held-out-overlap", "cls(order[size:].sort()", "cls(order[size - 1 :].sort()", BATCHES),
    Fault(
        "held-out-level",
        "noise = normals(0, chunk, 0, Stream.VALIDATION_NOISE",
        "noise = normals(0, chunk % len(self.images), 0, Stream.VALIDATION_NOISE",
        VALIDATION,
    ),
    Fault(
        "held-out-grid",
        "(torch.arange(LEVELS, dtype=torch.float64) + 0.5) / LEVELS",
        "(torch.arange(LEVELS, dtype=torch.float64) + 1.0) / LEVELS",
        VALIDATION,
    ),
    Fault("warmup-off-by-one", "step / (self.warmup + 1)", "step / max(self.warmup, 1)", OPTIMIZERS),
    Fault(
        "decay-off-by-one",
        "(step - 1 - self.start) / max(self.total",
        "(step - self.start) / max(self.total",
        OPTIMIZERS,
    ),
    Fault(
        "cosine-decay", "(1 - math.cos(math.pi * remaining)) / 2", "(1 + math.cos(math.pi * remaining)) / 2", OPTIMIZERS
    ),
    Fault("rate-of-group", 'rate * group.get("lr_scale", 1.0)', "rate", LOOP),
    Fault("length-epochs", '"epochs": images / batch', '"epochs": batch / images', LENGTHS),
    Fault("length-floor", "math.ceil(self.amount * per_unit - 1e-9)", "math.floor(self.amount * per_unit)", LENGTHS),
    Fault("muon-shape", "shape[0] / shape[1:].numel()", "shape[1:].numel() / shape[0]", OPTIMIZERS),
    Fault("muon-nesterov", 'momenta, alpha=group["momentum"])', "momenta, alpha=1.0)", OPTIMIZERS),
    Fault(
        "muon-decay-sign",
        '1 - group["lr"] * group["weight_decay"]',
        '1 + group["lr"] * group["weight_decay"]',
        OPTIMIZERS,
    ),
    Fault("newton-schulz", "gram = polynomial @ gram @ polynomial", "gram = polynomial @ gram", OPTIMIZERS),
    Fault("start-left", "progress.start_left * decay", "progress.start_left * (1 - decay)", LOOP),
    Fault(
        "restored-average",
        'self.ema_net.load_state_dict(checkpoint.part("average"))',
        'self.ema_net.load_state_dict(checkpoint.part("net"))',
        RESUME,
    ),
    Fault(
        "gradient-mean",
        "len(batch.u) * process_group.world_size / self.batches.size",
        "len(batch.u) / self.batches.size",
        DISTRIBUTED,
    ),
    # sampling
    Fault(
        "label-stream", "uniforms(seeds, 0, 0, Stream.SAMPLE_LABEL)", "uniforms(seeds, 0, 0, Stream.SAMPLE)", SAMPLING
    ),
    Fault("label-proportions", "torch.searchsorted(edges, u)", "torch.searchsorted(edges, u**2)", SAMPLING),
    Fault(
        "labels-in-turn",
        ".repeat(-(-len(seeds) // len(requested)))[",
        ".repeat_interleave(-(-len(seeds) // len(requested)))[",
        SAMPLING,
    ),
    Fault(
        "noise-draw",
        "normals(seeds, 0, step, Stream.SAMPLE, self.model.spec.shape)",
        "normals(seeds, 0, 0, Stream.SAMPLE, self.model.spec.shape)",
        SAMPLING,
    ),
    Fault(
        "noise-of-batch",
        "normals(seeds, 0, step, Stream.SAMPLE, self.model.spec.shape)",
        "normals(seeds - seeds[0], 0, step, Stream.SAMPLE, self.model.spec.shape)",
        SAMPLING,
    ),
    Fault("interpolation-label", "start if end is None else end)", "start)", SAMPLING),
    Fault(
        "interpolation-reversed",
        "torch.linspace(0, 1, len(end_seeds), dtype",
        "torch.linspace(1, 0, len(end_seeds), dtype",
        SAMPLING,
    ),
    Fault("edit-noise", "Warped(schedule, Stretch(self.noise))", "Warped(schedule, Stretch(1 - self.noise))", SAMPLING),
    Fault(
        "mask-inverted",
        "self.start(device), ~self.mask.to(device))",
        "self.start(device), self.mask.to(device))",
        SAMPLING,
    ),
    Fault("label-range", "range(first, last + 1)", "range(first, last)", SAMPLING),
    Fault("clip-eps", '(self.recipe.clip or self.recipe.target == "eps")', "self.recipe.clip", SAMPLING),
    Fault(
        "noisiest-level",
        "chosen.terminal.log_snr) < noisiest - 1e-9",
        "chosen.terminal.log_snr) > noisiest - 1e-9",
        SAMPLING,
    ),
    Fault(
        "null-clipped",
        "self.recipe.schedule.between(*interval), null)",
        "self.recipe.schedule.between(*interval), None)",
        SAMPLING,
    ),
    Fault("steps-override", "for n in (steps, written) if n", "for n in (written, steps) if n", SAMPLING),
    # metrics
    Fault("fd-cross-term", "other.covariance.trace() - 2 * overlap", "other.covariance.trace() - overlap", FRECHET),
    Fault("fd-means", "(own.mean - other.mean).square().sum()", "(own.mean - other.mean).abs().sum()", FRECHET),
    Fault(
        "covariance-biased", "deviations.T @ deviations / (len(x) - 1)", "deviations.T @ deviations / len(x)", FRECHET
    ),
    Fault("fd-slope", ".solution[0].item()", ".solution[1].item()", FRECHET),
    Fault("fd-interval-bias", " - found.mean() + source.distance_to(own)", "", FRECHET),
    Fault("bootstrap-mean", "second - count * torch.outer(mean, mean)", "second - torch.outer(mean, mean)", FRECHET),
    Fault("kid-cube", "(x @ y.T / x.shape[1] + 1) ** 3", "(x @ y.T / x.shape[1] + 1) ** 2", KID),
    Fault(
        "kid-diagonal",
        "_kernel_to_self(rows).sum()) / (len(rows) - 1)",
        "_kernel_to_self(rows).sum()) / len(rows)",
        KID,
    ),
    Fault("kid-cross-term", "within - 2 * _kernel(x, y)", "within - _kernel(x, y)", KID),
    Fault("kid-shuffles", "permutation(0, draw, Stream.KID_BLOCKS", "permutation(0, 0, Stream.KID_BLOCKS", KID),
    Fault(
        "student-subscript",
        "len(STUDENT_T)) - 1] * self.standard_error",
        "len(STUDENT_T)) - 2] * self.standard_error",
        KID,
    ),
    Fault("precision-balls", "(balls_around > 0).sum()", "(balls_around > 1).sum()", NEIGHBOURS),
    Fault("recall-radii", "(distances < fake_radii).any(1)", "(distances < radii[:, None]).any(1)", NEIGHBOURS),
    Fault("density-k", "/ (k * count)", "/ count", NEIGHBOURS),
    Fault("two-sample-ties", " + (inside == outside).double() / 2", "", NEIGHBOURS),
    Fault("neighbour-itself", "order.diagonal(start)", "order.diagonal(0)", NEIGHBOURS),
    Fault("entropy-base", "/ math.log(len(proportions))", "/ math.log2(len(proportions))", CLASSES),
    Fault("low-confidence", ".max(1).values < threshold", ".max(1).values > threshold", CLASSES),
    Fault("worst-class", "worst = min((value, label)", "worst = max((value, label)", CLASSES),
    Fault(
        "prior-log", "(means + variance - 1 - variance.log())", "(means + variance - 1 + variance.log())", LIKELIHOOD
    ),
    Fault("bound-step", "level = grid.level(step + 1)", "level = grid.level(step)", LIKELIHOOD),
    Fault(
        "bound-half", "math.expm1(grid.log_snr_step) / 2 * error", "math.expm1(grid.log_snr_step) * error", LIKELIHOOD
    ),
    Fault("decoder-half", "weights.cpu().log() - z**2 / 2", "weights.cpu().log() - z**2", LIKELIHOOD),
    Fault("mixture-between", "Moments(mean, within + between,", "Moments(mean, within,", EXTRACTOR_SETS),
    Fault(
        "floor-line", "(y[k] + slope * (1 / count - x[k]))", "(y[k] + slope * (1 / count - x[k - 1]))", EXTRACTOR_SETS
    ),
    Fault(
        "c2st-deviations",
        "(2 * self.accuracy - 1) * math.sqrt(self.count)",
        "(self.accuracy - 0.5) * math.sqrt(self.count)",
        CLASSIFIER_TESTS,
    ),
    Fault("ratio-error", "(wrong - ratio * wrong_baseline).std()", "(wrong - wrong_baseline).std()", CLASSIFIER_TESTS),
    Fault("zero-share", "return 1 - pixels.count_nonzero()", "return pixels.count_nonzero()", CLASSES),
)


def main() -> int:
    """Apply the faults that the command line names, or all, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="faults to apply; default: all")
    parser.add_argument("--jobs", type=int, default=1, help="copies of the package that are tested at a time")
    parser.add_argument("--trust", action="store_true", help="do not run the tests without a fault first")
    parser.add_argument(
        "--list",
        action="store_true",
        help="only check that every text is found exactly once and that the files of tests exist",
    )
    given = parser.parse_args()
    unknown = set(given.names) - {fault.name for fault in FAULTS}
    if unknown:
        parser.error(f"unknown faults: {', '.join(sorted(unknown))}")
    chosen = [fault for fault in FAULTS if not given.names or fault.name in given.names]
    misplaced = [line for fault in chosen if (line := _misplaced(fault))]
    missing = sorted(
        {test for fault in chosen for test in fault.tests if not (ROOT / test.partition("::")[0]).exists()}
    )
    misplaced += [f"{test}: no such file" for test in missing]
    if misplaced or given.list:
        print(
            "\n".join(
                [
                    *misplaced,
                    f"{len(chosen) - len(misplaced) + len(missing)} of {len(chosen)} texts are found exactly once",
                ]
            )
        )
        return int(bool(misplaced))
    with tempfile.TemporaryDirectory() as folder:
        return _run(chosen, given.jobs, given.trust, Path(folder))


def _run(chosen: list[Fault], jobs: int, trust: bool, folder: Path) -> int:
    ignored = shutil.ignore_patterns("__pycache__")
    copies = [Path(shutil.copytree(PACKAGE, folder / str(job) / "inkwash", ignore=ignored)) for job in range(jobs)]
    _preload()
    if not trust:
        for tests in dict.fromkeys(fault.tests for fault in chosen):
            if os.waitstatus_to_exitcode(os.waitpid(_start(tests, copies[0].parent), 0)[1]) != 0:
                print(f"{' '.join(tests)} fails without a fault")
                return 1
    verdicts: dict[str, str] = {}
    running: dict[int, tuple[Fault, Path, float]] = {}
    waiting = list(reversed(chosen))
    while waiting or running:
        if waiting and copies:
            fault, copy = waiting.pop(), copies.pop()
            _replace(copy, fault.text, fault.replacement)
            running[_start(fault.tests, copy.parent)] = fault, copy, time.perf_counter()
            continue
        child, status = os.wait()
        fault, copy, begun = running.pop(child)
        shutil.copy(*(root / _place(fault.text) for root in (PACKAGE, copy)))
        copies.append(copy)
        verdicts[fault.name] = _verdict(os.waitstatus_to_exitcode(status))
        print(f"{verdicts[fault.name]:9} {time.perf_counter() - begun:6.1f} s  {fault.name}", flush=True)
    for wrong in ("survived", "invalid"):
        if names := [name for name, found in verdicts.items() if found == wrong]:
            print(f"{wrong}: {', '.join(names)}")
    killed = list(verdicts.values()).count("killed")
    print(f"{killed} of {len(chosen)} faults killed")
    return int(killed < len(chosen))


def _places(text: str) -> list[Path]:
    """Return the file of each place where `text` stands in the package, relative to it."""
    files = sorted(PACKAGE.rglob("*.py"))
    return [path.relative_to(PACKAGE) for path in files for _ in range(path.read_text(encoding="utf-8").count(text))]


def _place(text: str) -> Path:
    (path,) = _places(text)
    return path


def _misplaced(fault: Fault) -> str | None:
    places = _places(fault.text)
    if len(places) == 1:
        return None
    files = ", ".join(map(str, places))
    return f"{fault.name}: '{fault.text}' is found {len(places)} times{f' ({files})' if files else ''}"


def _replace(copy: Path, text: str, replacement: str) -> None:
    path = copy / _place(text)
    path.write_text(path.read_text(encoding="utf-8").replace(text, replacement), encoding="utf-8")


def _verdict(code: int) -> str:
    """Return what an exit code of pytest means; a negative one is a signal, such as that of the time limit."""
    return "killed" if code == 1 or code < 0 else "survived" if code == 0 else "invalid"


def _preload() -> None:
    """Import what inkwash and its tests use, which every child then shares: importing it anew takes most of the time."""
    for name in ("torch", "numpy", "scipy.stats", "matplotlib.pyplot", "PIL.Image", "hypothesis", "safetensors.torch"):
        importlib.import_module(name)
    for name in ("diffusers", "torchmetrics", "prdc", "cyclopts", "pydantic", "rich.progress", "pooch"):
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    torch.set_num_threads(1)


def _start(tests: tuple[str, ...], path: Path) -> int:
    """Fork a child that runs `tests` with the package in `path` and exits with pytest's code; return its process id."""
    child = os.fork()
    if child:
        return child
    signal.alarm(LIMIT)
    with open(os.devnull, "w") as null:
        os.dup2(null.fileno(), 1)
        os.dup2(null.fileno(), 2)
    os.chdir(ROOT)
    sys.path.insert(0, str(path))
    # without bytecode: a changed file of the same second and size would be taken for the one before
    sys.dont_write_bytecode = True
    os.environ |= {"PYTHONPATH": str(path), "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"}
    os._exit(pytest.main(["-x", "-q", "-p", "no:cacheprovider", "--tb=no", *tests]))


if __name__ == "__main__":
    sys.exit(main())
