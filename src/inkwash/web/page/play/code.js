/** Play as Python: the exact denoiser of the points and the trajectory of the ODE, with the same noise. */

/** Return the program, or null for a network that was trained here. */
export function pythonOf({ points, labels }, { isExact, sampler, steps, guidance, label, count, seed }) {
  if (!isExact || !labels.length) return null;
  const numbers = Array.from(points, (value) => Number(value.toFixed(2)));
  const lines = [
    "import torch",
    "from inkwash.core import CLEAN, Cosine, EmpiricalDenoiser, Guided, Labelled, Level, Sampler",
    "from inkwash.core.rng import Stream, normals",
    "",
    `points = torch.tensor([${numbers.join(", ")}]).reshape(-1, 2)`,
    `labels = torch.tensor([${Array.from(labels).join(", ")}])`,
    "denoiser = EmpiricalDenoiser(points, labels)",
  ];
  if (label >= 0) {
    if (guidance !== 1) lines.push(`denoiser = Guided(denoiser, ${guidance}, CLEAN, Level(0.0, 1.0))`);
    lines.push(`denoiser = Labelled(denoiser, torch.full((${count},), ${label}))`);
  }
  lines.push(
    "",
    "def noise(counter):",
    `    return normals(torch.tensor([${seed}]), 0, counter, Stream.SAMPLE, (${2 * count},)).reshape(${count}, 2)`,
    "",
    `for frame in Sampler(Cosine(), "${sampler}", ${steps})(denoiser, noise):`,
    "    print(frame.level.c_noise, frame.x[:3])",
  );
  return lines.join("\n");
}
