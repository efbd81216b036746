"""The page /api: every endpoint, and the fields of a sampling request from the JSON schema that validates it."""

from __future__ import annotations

from importlib import resources
from typing import Any, NamedTuple

from jinja2 import Environment
from pydantic import BaseModel

from inkwash.web.schemas import DenoiseBody, EditBody, ImageBody, LiveBody, PromptBody, SampleBody


class Endpoint(NamedTuple):
    """One endpoint: its method and path, the name of the handler in `Server`, and what it returns."""

    method: str
    path: str
    handler: str
    response: str


MODEL = "/api/models/{name}"
ENDPOINTS = (
    Endpoint(
        "GET",
        "/api/models",
        "models",
        "All models: name, data, shape, classes, attributes with their range, sampler, and which are in training.",
    ),
    Endpoint("GET", MODEL, "model", "One model, with its card as HTML and its milestones as data URLs."),
    Endpoint(
        "GET", f"{MODEL}/history", "history", "Losses of training and validation, loss by noise level, current step."
    ),
    Endpoint(
        "GET", f"{MODEL}/milestones/{{milestone}}", "milestone", "The sample grid of one milestone as a data URL."
    ),
    Endpoint(
        "GET", f"{MODEL}/schedule", "schedule", "alpha, sigma, log-SNR and c_noise along u, in training and sampling."
    ),
    Endpoint(
        "GET", f"{MODEL}/quality", "quality", "Measured evaluations, seconds and FD of all models of the same data."
    ),
    Endpoint(
        "POST",
        "/api/prompt",
        "prompt",
        "What a prompt means: text, labels and attributes of its images; or problem (error, code, field).",
    ),
    Endpoint(
        "POST",
        "/api/parameters",
        "parameters",
        "The parameters of the view Sample for the metadata of an image.",
    ),
    Endpoint(
        "POST",
        "/api/sample",
        "sample",
        "Samples, as server-sent events: waiting, begin, step or progress …, done; or failed.",
    ),
    Endpoint(
        "POST", "/api/live", "live", "Finished samples as bytes: uint8 [N, C, H, W], or float32 [N, D] for points."
    ),
    Endpoint(
        "POST",
        "/api/denoise",
        "denoise",
        "A noised image x, and one output of the network read as x0, eps and v; exact, the prediction of the exact "
        "denoiser (base64: float32 [C, H, W]); level (alpha, sigma, c_noise); exact_of (count, sampled).",
    ),
    Endpoint(
        "POST",
        "/api/nearest",
        "nearest",
        "The nearest of count training images as image (base64: uint8 [C, H, W]), its label and distance (RMS in grey "
        "levels); typical, the median of the distances between compared training images and their nearest other one.",
    ),
)
EVENTS = {
    "waiting": "ahead: the number of requests ahead in the queue",
    "begin": "count, shape, labels, seeds, sampler, steps, evaluations, levels (alpha, sigma, c_noise), metadata of the file; "
    "drawn, the attributes of an encoded image; warning, of labels or attribute values that no image has",
    "step": "step, x, denoised; exact and field if requested (base64: uint8 [N, C, H, W], or float32 [N, D] for points)",
    "progress": "step, of a request whose steps are not all sent",
    "done": "seconds; reconstruction_error of an encoded image (RMS in grey levels); recognized if judge was requested and "
    "the data has a classifier: right of labelled, confident of count, extractor, real (fractions of real test images)",
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
    kinds: dict[str, type[BaseModel]] = {
        "Request": SampleBody,
        "edit": EditBody,
        "Request of /api/live": LiveBody,
        "Request of /api/denoise": DenoiseBody,
        "Request of /api/nearest": ImageBody,
        "Request of /api/prompt": PromptBody,
    }
    bodies = {title: _fields(kind.model_json_schema()) for title, kind in kinds.items()}
    endpoints = [(each.method, each.path, each.response) for each in ENDPOINTS]
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
