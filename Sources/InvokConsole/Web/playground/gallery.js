// What a function can be: small ones to begin with. The first of each runtime is what `invok create` writes.

/** @typedef {{id: string, title: string, text: string, path?: string}} Kind */

export const RUNTIMES = [["python", "Python"], ["nodejs", "Node.js"], ["go", "Go"]];

/** @type {Kind[]} */
export const KINDS = [
  { id: "hello", title: "Hello", text: "A line of text" },
  { id: "json", title: "JSON API", text: "Reads JSON, answers JSON" },
  { id: "page", title: "HTML page", text: "A page with style and script" },
  { id: "stream", title: "Streaming", text: "An answer in pieces, as they come" },
  { id: "image", title: "Image", text: "A picture that is made for each call" },
];

const MODULES = /** @type {Record<string, () => Promise<{sources: Record<string, string>}>>} */ ({
  python: () => import("./gallery-python.js"),
  nodejs: () => import("./gallery-nodejs.js"),
  go: () => import("./gallery-go.js"),
});

/**
 * @param {string} runtime
 * @param {string} id
 * @returns {Promise<string | undefined>} the source; none where the template's own is it
 */
export async function gallerySource(runtime, id) {
  if (id === "hello") return undefined;
  const { sources } = await MODULES[runtime]();
  return sources[id];
}
