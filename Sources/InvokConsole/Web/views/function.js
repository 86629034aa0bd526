// One function: its name and address, and a tab for each thing to do with it.

import { read, status } from "../api.js";
import { fill, h, icon } from "../dom.js";
import { runtimeName } from "../parts/format.js";
import { problemView } from "../parts/problem.js";
import { copy } from "../parts/toast.js";
import { kept } from "../playground/draft.js";
import { link } from "../router.js";
import { user } from "../session.js";

/** @typedef {{uuid: string, name: string}} Key */
/** @typedef {{record: any, url: string, reload: () => Promise<void>}} Context */

const TABS = /** @type {Record<string, {title: string, load: () => Promise<(context: Context) => HTMLElement>}>} */ ({
  overview: { title: "Overview", load: async () => (await import("../function/overview.js")).overview },
  try: { title: "Try it", load: async () => (await import("../function/try.js")).tryIt },
  logs: { title: "Logs", load: async () => (await import("../function/logs.js")).logs },
  versions: { title: "Versions", load: async () => (await import("../function/versions.js")).versionsTab },
  settings: { title: "Settings", load: async () => (await import("../function/settings.js")).settings },
});

/**
 * Where the function is called. A server that listens everywhere is where this page came from.
 * @param {string | undefined} origin
 * @param {string} path
 */
export function callURL(origin, path) {
  if (!origin) return path;
  const url = new URL(path, origin);
  if (["0.0.0.0", "[::]"].includes(url.hostname)) url.hostname = location.hostname;
  return url.href;
}

/**
 * Whether its source is what this browser's playground has.
 * @param {Key} key
 */
function isWrittenHere(key) {
  const draft = kept();
  return draft?.deployed && draft.name === key.name && user()?.uuid === key.uuid;
}

/**
 * @param {Key} key
 * @param {string} [tab]
 * @returns {Promise<import("../main.js").View>}
 */
export async function functionView(key, tab = "overview") {
  const chosen = tab in TABS ? tab : "overview";
  const [[record, server], view] = await Promise.all([Promise.all([read(key), status()]), TABS[chosen].load()]);
  const url = callURL(server.functions_url, record.path);
  const heading = h("div", { class: "badges" });
  const panel = h("div", { class: "panel" });
  /** @type {Context} */
  const context = {
    record, url,
    reload: async () => {
      context.record = await read(key);
      draw();
    },
  };

  function draw() {
    const { record } = context;
    fill(heading,
      h("span", { class: "badge" }, runtimeName(record.runtime)),
      h("span", { class: "badge" }, icon(record.access === "public" ? "globe" : "lock"), record.access === "public" ? "Public" : "Private"),
      record.active_version
        ? h("span", { class: "badge ok" }, `Version ${record.active_version}`)
        : h("span", { class: "badge bad" }, "Not deployed"));
    try {
      fill(panel, view(context));
    } catch (error) {
      fill(panel, problemView(error));
    }
  }
  draw();
  const tabs = Object.entries(TABS).map(([name, { title }]) =>
    h("a", { href: link("function", key.uuid, key.name, name), "aria-current": name === chosen ? "page" : null }, title));
  return {
    title: `${key.name} – ${TABS[chosen].title}`,
    element: h("section", { class: "function" },
      h("a", { class: "up", href: link("functions") }, icon("back"), "Functions"),
      h("div", { class: "title" }, h("h1", { tabindex: "-1" }, key.name), heading,
        isWrittenHere(key) && h("a", { class: "button edit", href: link("playground") }, "Edit in the playground")),
      h("div", { class: "address" }, h("code", null, url),
        h("button", { type: "button", class: "quiet", "aria-label": "Copy the address", title: "Copy the address",
          onclick: () => void copy(url, "Address") }, icon("copy"))),
      h("nav", { class: "tabs", "aria-label": key.name }, ...tabs),
      panel),
  };
}
