// What is being written: a function's name, runtime and files. This browser keeps it, for the user whose it is.

import { template } from "../api.js";
import { user } from "../session.js";

/** @typedef {{name: string, runtime: string, files: Record<string, string>, deployed: boolean}} Draft */

const key = () => `invok.draft.${user()?.uuid}`;

/** @returns {Draft | null} what was written last */
export function kept() {
  try {
    const draft = JSON.parse(localStorage.getItem(key()) ?? "null");
    return typeof draft?.name === "string" && typeof draft?.files === "object" ? draft : null;
  } catch {
    return null;
  }
}

/** @param {Draft} draft */
export function keep(draft) {
  try {
    localStorage.setItem(key(), JSON.stringify(draft));
  } catch {
    // It lives as long as the page does.
  }
}

/** @param {string} text what would be a name, of which one is made that is allowed */
export function nameLike(text) {
  return text.toLowerCase().replace(/[^a-z0-9-]+/g, "-").replace(/-{2,}/g, "-").replace(/^[^a-z]+/, "").slice(0, 25).replace(/-+$/, "");
}

/**
 * Whether it is a function's name.
 * @param {string} name
 */
export const isName = (name) => /^[a-z](?:[a-z0-9]|-(?=[a-z0-9])){0,24}$/.test(name);

/**
 * A new one, with the files that `invok create` writes.
 * @param {string} runtime
 * @param {string} name
 * @param {string} [source] in place of the template's own
 * @returns {Promise<Draft>}
 */
export async function newDraft(runtime, name, source) {
  const { files } = await template(runtime, name);
  if (source) files[sourceFile(files)] = source;
  return { name, runtime, files, deployed: false };
}

/**
 * The file that holds the function.
 * @param {Record<string, string>} files
 */
export function sourceFile(files) {
  const names = Object.keys(files);
  return names.find((name) => /^function\./.test(name)) ?? names.find((name) => name !== "config.json") ?? names[0];
}

/**
 * Gives it another name, in its config.json too.
 * @param {Draft} draft
 * @param {string} name
 */
export function rename(draft, name) {
  const before = draft.name;
  draft.name = name;
  draft.deployed = false;
  draft.files["config.json"] = draft.files["config.json"]?.replace(
    /("function_name"\s*:\s*)"[^"]*"/, (_, start) => `${start}${JSON.stringify(name)}`) ?? "";
  // Go finds a handler by the function's name.
  const handler = (/** @type {string} */ text) => `${text.split("-").map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join("")}Handler`;
  const go = draft.files["function.go"];
  if (go !== undefined) draft.files["function.go"] = go.replaceAll(handler(before), handler(name));
}
