"""The page /api: every endpoint, and the fields of a sampling request from the JSON schema that validates it."""

from __future__ import annotations

from importlib import resources
from typing import Any

from jinja2 import Environment

from inkwash.web.schemas import EditBody, SampleBody

ENDPOINTS: dict[str, tuple[str, str]] = {
    "/api/models": ("GET", "All models: name, data, shape, classes, sampler, and whether each is in training."),
    "/api/models/{name}": ("GET", "One model, with its card as HTML and its milestones as data URLs."),
    "/api/models/{name}/history": ("GET", "Training and validation losses, loss by noise level, current step."),
    "/api/models/{name}/milestones/{milestone}": ("GET", "The sample grid of one milestone as a data URL."),
    "/api/models/{name}/schedule": ("GET", "alpha, sigma, log-SNR and c_noise along u, for training and for sampling."),
    "/api/models/{name}/quality": ("GET", "Measured evaluations, seconds and FD of all models of the same data."),
    "/api/sample": ("POST", "Samples, as server-sent events: waiting, begin, step …, done; or failed."),
}
EVENTS = {
    "waiting": "ahead: the number of requests ahead in the queue",
    "begin": "count, shape, labels, seeds, sampler, steps, evaluations, levels (alpha, sigma, c_noise), command",
    "step": "step, x, denoised; exact and field if requested (base64: uint8 [N, C, H, W], or float32 [N, D] for points)",
    "done": "seconds",
    "failed": "error, one line; code and field, null for none",
}
STATUSES = {
    "401": "a token is required",
    "403": "the request comes from another site",
    "404": "unknown model",
    "409": "the checkpoint of the model is damaged",
    "413": "the request is too large",
    "421": "the Host header is not a loopback name",
    "422": "a field is invalid: the error names it and its range",
    "503": "the queue is full: try again in a moment",
}
BOUNDS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<", "maxItems": "at most"}


def page() -> str:
    """Return the reference as HTML."""
    template = (resources.files("inkwash.web") / "api_reference.html").read_text(encoding="utf-8")
    bodies = {"Request": _fields(SampleBody.model_json_schema()), "edit": _fields(EditBody.model_json_schema())}
    endpoints = [(method, path, response) for path, (method, response) in ENDPOINTS.items()]
    values = {"endpoints": endpoints, "bodies": bodies, "events": EVENTS, "statuses": STATUSES}
    return Environment(autoescape=True).from_string(template).render(values)


def _fields(schema: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    """Return name, type, default and description of each field."""
    required = schema.get("required", [])
    return [
        (name, _type(field), "required" if name in required else repr(field.get("default")), field["description"])
        for name, field in schema["properties"].items()
    ]


def _type(field: dict[str, Any]) -> str:
    if "anyOf" in field:
        return " or ".join(_type(each) for each in field["anyOf"])
    if "$ref" in field:
        return "edit"
    return " ".join([str(field["type"]), *(f"{sign} {field[key]:,}" for key, sign in BOUNDS.items() if key in field)])
