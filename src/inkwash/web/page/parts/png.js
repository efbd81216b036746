/**
 * Encode pixels as PNG or animated PNG (APNG 1.0).
 *
 * canvas.toBlob encodes no animations, and browsers run it at idle priority, which takes a second per frame.
 */

const SIGNATURE = Uint8Array.of(137, 80, 78, 71, 13, 10, 26, 10);

/** The keyword of the text chunk with metadata, as in inkwash/io/png_metadata.py. */
const KEYWORD = "inkwash";

/**
 * Return the file of `frames`, each { width, height, data } with RGBA bytes, all of one size; `delays` are in
 * milliseconds. `onprogress` receives the number of encoded frames; `metadata` is a value for JSON, null for none;
 * with `isGrey` the file has the red values alone.
 */
export async function png(frames, { delays = [], onprogress = () => {}, metadata = null, isGrey = false } = {}) {
  const [{ width, height }] = frames;
  // Bit depth 8, colour type 2: red, green and blue; 0: grey.
  const parts = [SIGNATURE, chunk("IHDR", numbers([width, 4], [height, 4], [8, 1], [isGrey ? 0 : 2, 1], [0, 1], [0, 1], [0, 1]))];
  if (metadata) parts.push(chunk("tEXt", latin1(`${KEYWORD}\0${asciiJson(metadata)}`)));
  if (frames.length > 1) parts.push(chunk("acTL", numbers([frames.length, 4], [0, 4])));
  let sequence = 0;
  for (const [place, frame] of frames.entries()) {
    if (frames.length > 1) parts.push(chunk("fcTL", numbers([sequence++, 4], [width, 4], [height, 4], [0, 4], [0, 4], [delays[place], 2], [1000, 2], [0, 1], [0, 1])));
    const data = await deflated(rows(frame, isGrey ? 1 : 3));
    parts.push(place === 0 ? chunk("IDAT", data) : chunk("fdAT", joined([numbers([sequence++, 4]), data])));
    onprogress(place + 1);
  }
  parts.push(chunk("IEND", new Uint8Array(0)));
  return joined(parts);
}

/** Return the metadata of a PNG file that inkwash wrote, null for none. */
export function readMetadata(bytes) {
  if (!SIGNATURE.every((value, at) => bytes[at] === value)) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), text = (from, to) => new TextDecoder("latin1").decode(bytes.subarray(from, to));
  for (let at = SIGNATURE.length; at + 12 <= bytes.length; at += 12 + view.getUint32(at)) {
    const end = at + 8 + view.getUint32(at);
    if (text(at + 4, at + 8) !== "tEXt" || end > bytes.length) continue;
    const [keyword, ...content] = text(at + 8, end).split("\0");
    if (keyword !== KEYWORD) continue;
    try {
      return JSON.parse(content.join("\0"));
    } catch {
      return null;
    }
  }
  return null;
}

/** Return JSON without characters outside of ASCII, which a tEXt chunk has not. */
const asciiJson = (value) => JSON.stringify(value).replace(/[\u0080-\uffff]/g, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`);

const latin1 = (text) => Uint8Array.from(text, (letter) => letter.charCodeAt(0));

/** Return the scanlines of a frame with the filter Up, which leaves mostly zeros of enlarged pixels. */
function rows({ width, height, data }, channels) {
  const UP = 2, across = channels * width + 1;
  const made = new Uint8Array(height * across);
  for (let y = 0; y < height; y++) {
    made[y * across] = UP;
    for (let x = 0; x < width; x++)
      for (let c = 0; c < channels; c++) {
        const at = 4 * (y * width + x) + c;
        made[y * across + 1 + channels * x + c] = data[at] - (y ? data[at - 4 * width] : 0);
      }
  }
  return made;
}

async function deflated(bytes) {
  const packed = new Blob([bytes]).stream().pipeThrough(new CompressionStream("deflate"));
  return new Uint8Array(await new Response(packed).arrayBuffer());
}

function chunk(kind, data) {
  const named = joined([latin1(kind), data]);
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
  let value = 0xffffffff;
  for (const byte of bytes) value = TABLE[(value ^ byte) & 255] ^ (value >>> 8);
  return (value ^ 0xffffffff) >>> 0;
}
