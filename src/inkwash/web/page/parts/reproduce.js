/** A sampling request as a command line and as Python, for a model with a name there (`model.source`). */

/** The file that the drawing of an edit is saved as. */
export const DRAWING = "drawing";

/** Return { command, python } of the request of `seeds`, `labels` and settings, each null where there is none. */
export function reproduce(model, request) {
  const given = model.source && (!request.edit || request.edit.encode) ? options(model, request) : null;
  if (!given) return { command: null, python: null };
  return { command: command(model.source, given), python: python(model.source, given) };
}

/** Return the commands and the Python of several requests, each null where one of them has none. */
export function reproduceAll(codes) {
  const joined = (name, separator) => (codes.every((code) => code[name]) ? codes.map((code) => code[name]).join(separator) : null);
  return { command: joined("command", " && "), python: joined("python", "\n\n") };
}

/** Return the options that differ from the defaults, null for arbitrary seeds and for ends that only the page can set. */
function options(model, { seeds, labels, seed_to: seedTo = null, label_to: labelTo = null, ...rest }) {
  const [first] = seeds, count = seeds.length, interpolates = seedTo !== null || labelTo !== null;
  if (!seeds.every((seed, at) => seed === first + (interpolates ? 0 : at))) return null;
  if (labelTo !== null && (!labels || labelTo < 0)) return null;
  if (interpolates && labels && new Set(labels).size > 1) return null;
  const name = (label) => (label < 0 ? null : model.classes[label]);
  return {
    n: count,
    seed: seedTo === null ? first : [first, seedTo],
    label: labels ? (interpolates ? labels.slice(0, 1) : labels).map(name) : null,
    labelTo: labelTo === null ? null : name(labelTo),
    sampler: rest.sampler ?? null,
    steps: rest.steps ?? null,
    eta: rest.eta ?? null,
    guidance: rest.guidance ?? null,
    temperature: (rest.temperature ?? 1) === 1 ? null : rest.temperature,
    prompt: rest.prompt ?? null,
    attributes: Object.entries(rest.attributes ?? {}),
    extrapolate: rest.extrapolate ?? false,
    image: rest.edit ? `${DRAWING}.png` : null,
  };
}

const SETTINGS = ["sampler", "steps", "eta", "guidance", "temperature"];

function command(source, given) {
  const label = given.label && (given.labelTo === null ? given.label.map(classText).join(",") : `${classText(given.label[0])}..${classText(given.labelTo)}`);
  const words = ["inkwash", "sample", source, "-n", given.n, "--seed", [given.seed].flat().join("..")];
  if (label !== null) words.push("--label", label);
  for (const name of SETTINGS) if (given[name] !== null) words.push(`--${name}`, given[name]);
  if (given.prompt !== null) words.push("--prompt", given.prompt);
  for (const [name, values] of given.attributes) words.push("--set-attribute", `${name}=${values.join(",")}`);
  if (given.extrapolate) words.push("--extrapolate");
  if (given.image) words.push("--from", given.image, "--encode");
  return words.map((word) => shellWord(String(word))).join(" ");
}

function python(source, given) {
  const values = { n: given.n, seed: Array.isArray(given.seed) ? `(${given.seed.join(", ")})` : given.seed };
  if (given.labelTo !== null) values.label = pythonText(`${classText(given.label[0])}..${classText(given.labelTo)}`);
  else if (given.label) values.label = given.label.length === 1 && given.label[0] !== null ? pythonText(given.label[0]) : `[${given.label.map((name) => (name === null ? "-1" : pythonText(name))).join(", ")}]`;
  for (const name of SETTINGS) if (given[name] !== null) values[name] = name === "sampler" ? pythonText(given[name]) : given[name];
  if (given.prompt !== null) values.prompt = pythonText(given.prompt);
  if (given.attributes.length) values.attributes = `{${given.attributes.map(([name, each]) => `${pythonText(name)}: ${each.length === 1 ? each[0] : `[${each.join(", ")}]`}`).join(", ")}}`;
  if (given.extrapolate) values.extrapolate = "True";
  if (given.image) Object.assign(values, { image: pythonText(given.image), encode: "True" });
  const call = Object.entries(values).map(([name, value]) => `${name}=${value}`).join(", ");
  return `import inkwash\n\nsamples = inkwash.sample(${pythonText(source)}, ${call})\nsamples.save("samples.png")`;
}

/** Return a class for --label: its name, in double quotes where it has other characters than letters and digits. */
export const classText = (name) => (name === null ? "none" : /^\w+$/.test(name) && name !== "none" ? name : `"${name.replaceAll('"', '""')}"`);

export const pythonText = (text) => JSON.stringify(text);

/** Return a word for a POSIX shell, quoted where it needs quotes. */
export const shellWord = (word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'"'"'`)}'`);
