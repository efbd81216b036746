/** What people take away: a PNG, an animation, a line of text. */

import { of } from "./element.js";

/** Save a canvas as a PNG, enlarged without blur. */
export async function savePng(canvas, name, scale = 4) {
  save(await blob(enlarged(canvas, scale)), `${name}.png`);
}

/** Save canvases one after the other as an animated PNG; `hold` is how long the last one stays, in seconds. */
export async function saveAnimation(canvases, name, { seconds = 4, hold = 1.5, scale = 3 } = {}) {
  const each = Math.max(0.02, Math.min(0.5, seconds / canvases.length));
  const files = [];
  for (const canvas of canvases) files.push(new Uint8Array(await (await blob(enlarged(canvas, scale))).arrayBuffer()));
  const delays = files.map((_, at) => Math.round(1000 * (at === files.length - 1 ? hold : each)));
  save(new Blob([animated(files, delays)], { type: "image/png" }), `${name}.png`);
}

/** Put text where it can be pasted from; resolves to whether that was allowed. */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

function save(held, name) {
  const address = URL.createObjectURL(held);
  of("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

const blob = (canvas) => new Promise((done) => canvas.toBlob(done, "image/png"));

function enlarged(canvas, scale) {
  const made = of("canvas", { width: canvas.width * scale, height: canvas.height * scale });
  const context = made.getContext("2d");
  context.imageSmoothingEnabled = false;
  context.drawImage(canvas, 0, 0, made.width, made.height);
  return made;
}

/** Return an animated PNG (APNG 1.0) of PNG files of one size, each shown for its delay in milliseconds. */
export function animated(files, delays) {
  const parts = [files[0].slice(0, 8)];
  const first = chunks(files[0]);
  parts.push(chunk("IHDR", first.find(([kind]) => kind === "IHDR")[1]));
  parts.push(chunk("acTL", numbers([files.length, 4], [0, 4])));
  const [width, height] = [0, 4].map((at) => new DataView(first[0][1].buffer, first[0][1].byteOffset).getUint32(at));
  let sequence = 0;
  files.forEach((file, place) => {
    const shown = numbers([sequence++, 4], [width, 4], [height, 4], [0, 4], [0, 4], [delays[place], 2], [1000, 2], [0, 1], [0, 1]);
    parts.push(chunk("fcTL", shown));
    for (const [kind, data] of chunks(file)) {
      if (kind !== "IDAT") continue;
      parts.push(place === 0 ? chunk("IDAT", data) : chunk("fdAT", joined([numbers([sequence++, 4]), data])));
    }
  });
  parts.push(chunk("IEND", new Uint8Array(0)));
  return joined(parts);
}

function chunks(file) {
  const view = new DataView(file.buffer, file.byteOffset);
  const found = [];
  for (let at = 8; at < file.length; ) {
    const length = view.getUint32(at);
    found.push([String.fromCharCode(...file.subarray(at + 4, at + 8)), file.subarray(at + 8, at + 8 + length)]);
    at += length + 12;
  }
  return found;
}

function chunk(kind, data) {
  const named = joined([Uint8Array.from(kind, (letter) => letter.charCodeAt(0)), data]);
  return joined([numbers([data.length, 4]), named, numbers([crc(named), 4])]);
}

function numbers(...pairs) {
  const made = new Uint8Array(pairs.reduce((sum, [, size]) => sum + size, 0));
  const view = new DataView(made.buffer);
  let at = 0;
  for (const [value, size] of pairs) {
    if (size === 4) view.setUint32(at, value);
    else if (size === 2) view.setUint16(at, value);
    else view.setUint8(at, value);
    at += size;
  }
  return made;
}

function joined(parts) {
  const made = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    made.set(part, at);
    at += part.length;
  }
  return made;
}

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  for (let bit = 0; bit < 8; bit++) byte = byte & 1 ? 0xedb88320 ^ (byte >>> 1) : byte >>> 1;
  return byte;
});

function crc(bytes) {
  let found = 0xffffffff;
  for (const byte of bytes) found = TABLE[(found ^ byte) & 255] ^ (found >>> 8);
  return (found ^ 0xffffffff) >>> 0;
}
