/** Who draws: the server that this page came from. An exported page has another file here, which draws in the browser. */

export { remote as engine } from "./remote.js";
