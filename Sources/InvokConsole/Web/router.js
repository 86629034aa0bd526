// Which view is shown, by the part of the address behind #.

/**
 * @typedef {{view: string, parts: string[]}} Place
 */

/** @returns {Place} */
export function place() {
  const parts = location.hash.replace(/^#\/?/, "").split("/").filter(Boolean).map(decode);
  return { view: parts[0] ?? "functions", parts: parts.slice(1) };
}

/** @param {string} text */
function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** @param {...string} parts */
export const link = (...parts) => `#/${parts.map(encodeURIComponent).join("/")}`;

/** @param {...string} parts */
export function go(...parts) {
  location.hash = link(...parts);
}

/** @param {() => void} listener */
export function whenMoved(listener) {
  addEventListener("hashchange", listener);
}
