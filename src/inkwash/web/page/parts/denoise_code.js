/** The view Denoise as a command line and as Python, for a model with a name there (`model.source`). */

import { classText, pythonText, shellWord } from "./reproduce.js";

/** The file that the command reads; the view saves the drawing under this name. */
export const DRAWING = "drawing";

/**
 * Return { command, python }: the command samples an image from the noisy one; Python computes what the view shows.
 * `request` is that of the engine, `exactOf` the images of the exact denoiser, null where it is not known yet.
 */
export function denoiseCode(model, request, exactOf) {
  if (!model.source) return { command: null, python: null };
  const label = model.conditional ? ["--label", classText(model.classes[request.label] ?? null)] : [];
  const words = ["inkwash", "sample", model.source, "--from", `${DRAWING}.png`, "--noise", request.noise, "--seed", request.seed, "-n", 1, ...label];
  return { command: words.map((word) => shellWord(String(word))).join(" "), python: python(model, request, exactOf) };
}

function python({ source, shape, data }, { image, noise, seed, label }, exactOf) {
  const lines = [
    "import base64",
    "",
    "import torch",
    "",
    "import inkwash",
    "from inkwash import NetDenoiser, Target",
    "from inkwash.core import EmpiricalDenoiser",
    "from inkwash.core.rng import Stream, normals",
    "from inkwash.data.pixels import encode",
    "",
    `model = inkwash.load(${pythonText(source)})`,
    `drawing = base64.b64decode(${pythonText(image)})`,
    `image = encode(torch.tensor(list(drawing), dtype=torch.uint8)).reshape(1, ${shape.join(", ")})`,
    `noise = normals(${seed}, 0, 0, Stream.SAMPLE, (${shape.join(", ")}))`,
    `level, label = model.schedule()(${noise}), ${label < 0 ? "None" : `torch.tensor([${label}])`}`,
    "x = level.mix(image, noise)",
    "with torch.inference_mode():",
    "    output = NetDenoiser(model.net, model.target).output(x, level, label)",
    "x0, eps = model.target.image(level, x, output), model.target.noise(level, x, output)",
    'v = Target("v").of(level, x0, eps)',
  ];
  if (exactOf?.sampled) lines.push("", "from inkwash.web.exact_denoisers import of_samples", "", "exact = of_samples(model)(x, level, label)");
  else if (exactOf) lines.push("", `train = inkwash.data.load(${pythonText(data)})`, "exact = EmpiricalDenoiser(encode(train.values), train.labels)(x, level, label)");
  const names = exactOf ? ["x0", "exact"] : ["x0"];
  for (const name of names) lines.push(`print("${name}: RMS error in grey levels", 127.5 * (${name}.clamp(-1, 1) - image).square().mean().sqrt().item())`);
  return lines.join("\n");
}
