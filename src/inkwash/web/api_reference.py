"""A page that documents every endpoint, made from the values that check the requests; nothing outside is loaded."""

from __future__ import annotations

import html
from typing import Any

from inkwash.web.schemas import DrawingAsked, Edited, Far

ENDPOINTS: dict[str, tuple[str, str]] = {
    "/api/models": ("GET", "Every model: name, data, shape, classes, sampler and whether it is being trained."),
    "/api/models/{name}": ("GET", "The same of one, with its card (Markdown) and milestone pictures."),
    "/api/models/{name}/history": ("GET", "Losses while training, held-out losses by level, the step it is at."),
    "/api/models/{name}/pictures/{picture}": ("GET", "One milestone's picture as a data address."),
    "/api/models/{name}/schedule": ("GET", "alpha, sigma, log-SNR and code along u, as trained on and as sampled on."),
    "/api/models/{name}/quality": (
        "GET",
        "Evaluations, seconds and FD of a model and of others of its data, as measured.",
    ),
    "/api/sample": ("POST", "Draws. Answers with server-sent events: waiting, begin, step …, done; or failed."),
}
EVENTS = {
    "waiting": "ahead: how many are in front",
    "begin": "count, shape, labels, seeds, sampler, steps, evaluations, levels (alpha, sigma, code of each), command",
    "step": "step, x and denoised (base64: uint8 [N, C, H, W], or float32 [N, D] for points), exact and field where asked",
    "done": "seconds",
    "failed": "error, one line",
}
STATUSES = {
    "401": "a token is asked for",
    "403": "the request comes from another site",
    "404": "there is no such model",
    "409": "the model's file is damaged",
    "413": "the request is too large",
    "421": "the server is called by a name that is not this machine's",
    "422": "a field is wrong: the error names it and its range",
    "503": "busy: the line is full, come back in a moment",
}


def page() -> str:
    """Return the reference as HTML."""
    rows = [(verb, path, what) for path, (verb, what) in ENDPOINTS.items()]
    parts = [
        "<h1>What the page asks for</h1><p>Everything that <a href='/'>the page</a> does can be asked for by programs.</p>",
        _table(("", "path", "answers with"), rows),
        "<h2>POST /api/sample</h2><p>The body is JSON; null and what is left out are the recipe's own.</p>",
        *(_fields(kind.__name__, kind.model_json_schema()) for kind in (DrawingAsked, Edited, Far)),
        "<h2>Events</h2>",
        _table(("event", "data"), list(EVENTS.items())),
        "<h2>Refusals</h2><p>Each is JSON with one line under <code>error</code>.</p>",
        _table(("status", "when"), list(STATUSES.items())),
    ]
    return (
        "<!doctype html><html lang='en'><meta charset='utf-8'><title>inkwash: reference</title>"
        "<meta name='viewport' content='width=device-width'><link rel='stylesheet' href='/style.css'>"
        f"<main class='reference'>{''.join(parts)}</main></html>"
    )


def _fields(name: str, schema: dict[str, Any]) -> str:
    required = schema.get("required", [])
    rows = [
        (key, _kind(field), "needed" if key in required else repr(field.get("default")), field.get("description", ""))
        for key, field in schema["properties"].items()
    ]
    title = {"DrawingAsked": "the request", "Edited": "edit", "Far": "far"}[name]
    return f"<h3>{title}</h3>{_table(('field', 'type', 'default', 'is'), rows)}"


def _kind(field: dict[str, Any]) -> str:
    if "anyOf" in field:
        return " or ".join(_kind(each) for each in field["anyOf"])
    if "$ref" in field:
        return {"Edited": "edit", "Far": "far"}[field["$ref"].rpartition("/")[2]]
    bounds = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<", "maxItems": "at most"}
    said = [f"{sign} {field[key]:,}" for key, sign in bounds.items() if key in field]
    return " ".join([str(field.get("type", "")), *said])


def _table(heads: tuple[str, ...], rows: list[Any]) -> str:
    head = "".join(f"<th>{html.escape(each)}</th>" for each in heads)
    body = "".join("<tr>" + "".join(f"<td>{html.escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<div class='scroll'><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
