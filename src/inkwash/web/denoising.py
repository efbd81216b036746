"""One evaluation on a noised image: the output read as image, noise and v, beside the exact denoiser."""

from __future__ import annotations

from typing import Any

import torch

from inkwash.core import NetDenoiser, Target
from inkwash.core.rng import Stream, normals
from inkwash.data import encode
from inkwash.web.catalog import Catalog
from inkwash.web.pixels import to_base64
from inkwash.web.schemas import DenoiseBody


def respond(catalog: Catalog, body: DenoiseBody) -> dict[str, Any]:
    """Return the noised image x, the readings x0, eps and v of the network's output, and the exact prediction.

    All are float32 [C, H, W] in base64; "level" is the noise level, and "exact_of" the number of images of the exact
    denoiser and whether they were sampled from the model because its training set is not on this machine. Raises
    `UsageError` for a body that does not fit the model.
    """
    model = catalog.model(body.model)
    image = encode(body.pixels(model))[None].to(model.device)
    label, level = body.labels(model), model.schedule()(body.noise)
    noise = normals(body.seed, 0, 0, Stream.SAMPLE, model.spec.shape).to(model.device)
    with torch.inference_mode():
        x = level.mix(image, noise)
        output = NetDenoiser(model.net, model.target).output(
            x, level, None if label is None else label.to(model.device)
        )
        x0, eps = model.target.image(level, x, output), model.target.noise(level, x, output)
        found = {"x": x, "x0": x0, "eps": eps, "v": Target("v").of(level, x0, eps)}
    response: dict[str, Any] = {
        "level": {"alpha": float(level.alpha), "sigma": float(level.sigma), "c_noise": float(level.c_noise)}
    }
    if body.exact:
        denoiser, is_sampled = catalog.exact_or_sampled(body.model)
        found["exact"] = denoiser(x.cpu(), level, label)
        response["exact_of"] = {"count": len(denoiser.images), "sampled": is_sampled}
    return response | {name: to_base64(values) for name, values in found.items()}
