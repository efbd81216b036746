"""Options of other diffusion programs and their equivalents here, suggested when an unknown option is given."""

from __future__ import annotations

from collections.abc import Sequence

VALUE = "{}"
"""The placeholder of the given value in a replacement."""


def _each(names: str, replacement: str) -> dict[str, str]:
    return {f"--{name}": replacement for name in names.split()}


_OUT = _each("output output-dir out-dir outdir output-path save-dir save-to", "--out {}")
_DEVICE = (
    _each("gpu cuda", "--device cuda") | _each("cpu", "--device cpu") | _each("num-threads n-threads", "--threads {}")
)
_DATA = _each("dataset data-dir data-path data-root dataset-path", "--data {}")
_SAMPLING = (
    _each("num-samples n-samples samples num num-images n-images", "-n {}")
    | _each("method scheduler solver sampling-method", "--sampler {}")
    | _each("cfg cfg-scale cfg-weight guidance-scale guidance-weight", "--guidance {}")
    | _each("fp16 bf16 half amp", "--precision bfloat16")
)

FLAGS: dict[str, dict[str, str]] = {
    "train": _OUT
    | _DEVICE
    | _DATA
    | _each("lr learning-rate", "--set optimizer.lr={}")
    | _each("optimizer optim", "--set optimizer.kind={}")
    | _each("weight-decay wd", "--set optimizer.weight_decay={}")
    | _each("warmup warmup-steps", "--set optimizer.warmup={}")
    | _each("grad-clip clip-grad gradient-clip max-grad-norm", "--set optimizer.clip={}")
    | _each("batch-size batch bs train-batch-size", "--set training.batch={}")
    | _each("label-dropout p-uncond class-dropout cond-drop-prob", "--set training.label_dropout={}")
    | _each("precision", "--set training.precision={}")
    | _each("fp16 bf16 half amp", "--set training.precision=bfloat16")
    | _each("num-steps n-steps max-steps iterations iters num-iterations train-steps", "--steps {}")
    | _each("num-epochs n-epochs max-epochs num-train-epochs nepochs", "--epochs {}")
    | _each("image-size img-size resolution", "--size {}")
    | _each("schedule noise-schedule beta-schedule", "--set schedule.kind={}")
    | _each("timesteps num-timesteps diffusion-steps T", "--set schedule.T={}")
    | _each("target prediction-type parameterization objective", "--set target={}")
    | _each("network net arch architecture", "--set network.kind={}")
    | _each("conditional class-cond class-conditional", "--set network.conditional=true")
    | _each("save-every checkpoint-interval eval-every", '--checkpoint-every "{} steps"')
    | _each("random-seed", "--seed {}")
    | _each("resume resume-from checkpoint ckpt", "inkwash train RUN, with the run folder in place of the recipe")
    | _each("config recipe model", "inkwash train {}, without a flag before the recipe"),
    "sample": _OUT
    | _DEVICE
    | _SAMPLING
    | _each("num-steps n-steps num-inference-steps inference-steps sampling-steps timesteps", "--steps {}")
    | _each("class class-label class-labels classes labels digit digits y", "--label {}")
    | _each("batch-size bs", "--batch {}")
    | _each("random-seed", "--seed {}")
    | _each("init-image init image input", "--from {}")
    | _each("strength", "--noise {}")
    | _each("gif video animate animation", "--film")
    | _each("zoom upscale", "--scale {}")
    | _each("nrow ncol ncols cols", "--columns {}")
    | _each("resume", "--continue")
    | _each("checkpoint ckpt model run", "inkwash sample {}, without a flag before the model"),
    "evaluate": _DEVICE
    | _DATA
    | _SAMPLING
    | _each("steps num-steps num-inference-steps", "--sampler NAME:{}, as in ddim:{}")
    | _each("out output output-dir outdir", "--report {}")
    | _each("checkpoint ckpt model run", "inkwash evaluate {}, without a flag before the model"),
    "lab": _OUT
    | _DEVICE
    | _DATA
    | _each("num-samples n-samples samples num-images", "-n {}")
    | _each("epochs num-epochs", '--length "{} epochs"')
    | _each("minutes", '--length "{} minutes"')
    | _each("images", '--length "{} images"')
    | _each("model checkpoint", "--run {}"),
    "export": _OUT
    | _each("format type", "--to {}")
    | _each("onnx", "--to onnx")
    | _each("web html", "--to web")
    | _each("checkpoint ckpt model run", "inkwash export {}, without a flag before the model"),
    "serve": _each("address bind ip", "--host {}")
    | _each("password auth", "--token {}")
    | _each("browser", "--open")
    | _each("run model checkpoint", "inkwash serve {}, without a flag before the run folder")
    | _DATA,
    "show": _OUT | _each("run model recipe checkpoint", "inkwash show {}, without a flag before the name"),
}
"""Command -> option of other programs -> its equivalent."""


def instead(arguments: Sequence[str]) -> str | None:
    """Return a message about the first of the `arguments` that is an option of other programs, None if there is none."""
    command, *words = arguments
    for index, word in enumerate(words):
        flag, equals, value = word.partition("=")
        # spellings such as "-lr" and "--learning_rate" are recognised as well
        plain = f"--{flag.lstrip('-').replace('_', '-')}"
        replacement = FLAGS.get(command, {}).get(plain) if flag.startswith("-") else None
        if replacement is None:
            continue
        if not equals:
            following = words[index + 1] if index + 1 < len(words) else ""
            value = "" if following.startswith("-") else following
        return f"inkwash {command} has no {flag}: use {replacement.replace(VALUE, value or 'VALUE')}"
    return None
