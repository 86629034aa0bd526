// A draft as an archive: to deploy, or to take along.

import { h } from "../dom.js";
import { toast } from "../parts/toast.js";
import { zip } from "../zip.js";

/**
 * @param {import("./draft.js").Draft} draft
 * @param {string} [folder] that all files lie in
 */
export function packed(draft, folder = "") {
  const encoder = new TextEncoder();
  return zip(Object.entries(draft.files).map(([path, text]) => ({ path: folder + path, content: encoder.encode(text) })));
}

/**
 * Hands it over as a file, whose folder `invok deploy` takes.
 * @param {import("./draft.js").Draft} draft
 */
export async function download(draft) {
  const url = URL.createObjectURL(await packed(draft, `${draft.name}/`));
  h("a", { href: url, download: `${draft.name}.zip` }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
  toast("Unpack it, and deploy it with “invok deploy”");
}
