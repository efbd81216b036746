/** The sampling engine: here the server that this page came from; an exported page replaces this file by its own. */

export { remote as engine } from "./remote.js";
