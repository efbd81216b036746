/** The runtime of the networks, onnxruntime-web, in a folder that the export names by a hash of its files. */

export * from "./ort/ort.wasm.min.mjs";

export const FOLDER = new URL("./ort/", import.meta.url);
