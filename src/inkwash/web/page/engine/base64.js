/** Bytes as text and back, as requests and events carry them. */

/** Return bytes as base64. */
export const packed = (bytes) => btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));

/** Return the bytes of base64, as float32 numbers where they are `points`. */
export function unpacked(text, points = false) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  return points ? new Float32Array(bytes.buffer) : bytes;
}
