/** Binary data in requests and events. */

/** Return bytes as base64. */
export const encodeBase64 = (bytes) => btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));

/** Return the bytes of base64: Uint8Array, or Float32Array where `isFloat`. */
export function decodeBase64(text, isFloat = false) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  return isFloat ? new Float32Array(bytes.buffer) : bytes;
}

/** Return the bytes of base64, null for other text. */
export function bytesOf(text) {
  try {
    return decodeBase64(text);
  } catch {
    return null;
  }
}
