// What a function is and whether it runs, and how it is called from elsewhere.

import { status, versions } from "../api.js";
import { fill, h, icon, refreshing } from "../dom.js";
import { ago, counted, runtimeName } from "../parts/format.js";
import { problemView } from "../parts/problem.js";
import { copy } from "../parts/toast.js";
import { link } from "../router.js";
import { plots } from "./plots.js";

/** @param {import("../views/function.js").Context} context */
export function overview({ record, url }) {
  const now = h("dd", null, "…");
  const latest = h("div");
  const element = h("div", { class: "columns" },
    h("div", null,
      h("section", { class: "card" },
        h("h2", null, "Now"),
        h("dl", { class: "facts" },
          h("div", null, h("dt", null, "Running"), now),
          fact("Runtime", runtimeName(record.runtime)),
          fact("Memory", record.limits ? `${record.limits.memoryMB} MB` : "–"),
          fact("Timeout", record.limits ? `${record.limits.timeoutSeconds} s` : "–"),
          fact("Instances", record.limits ? `${record.limits.minInstances} to ${record.limits.maxInstances}` : "–"),
          fact("Changed", ago(record.updated_at)))),
      latest),
    h("section", { class: "card" },
      h("h2", null, "Call it"),
      h("div", { class: "actions" },
        h("a", { class: "button primary", href: link("function", record.uuid, record.name, "try") }, icon("play"), "Try it here")),
      example("From a terminal", record.access === "public" ? `curl ${url}` : `curl -H "Authorization: Bearer $INVOK_TOKEN" ${url}`),
      example("With the tool", `invok invoke -n ${record.name}`),
      example("From a page", snippet(url, record.access)),
      record.access === "public"
        ? h("p", { class: "hint" }, "It is public: whoever knows the address may call it.")
        : h("p", { class: "hint" }, "It is private: a call needs a token that may invoke it. ",
          h("a", { href: link("function", record.uuid, record.name, "settings") }, "Make it public"), " to call it without.")));

  refreshing(element, 4_000, async () => {
    try {
      const server = await status();
      const load = server.functions.find((/** @type {any} */ each) => each.name === record.name);
      now.textContent = !load?.instances ? "Idle; the next call starts an instance"
        : `${counted(load.instances, "instance")}, ${counted(load.requests, "request")}`;
    } catch {
      now.textContent = "Not known";
    }
  });
  void showLatest(record, latest);
  return h("div", { class: "overview" }, plots(record), element);
}

/** @param {any} record @param {HTMLElement} place */
async function showLatest(record, place) {
  try {
    const [newest] = await versions(record);
    if (newest?.state !== "failed") return;
    fill(place, h("section", { class: "card warn" },
      h("h2", null, `Version ${newest.number} did not start`),
      h("p", null, newest.reason ?? "It failed."),
      h("p", null, h("a", { href: link("function", record.uuid, record.name, "versions") }, "See what its build said"))));
  } catch (error) {
    fill(place, problemView(error));
  }
}

/** @param {string} term @param {string} value */
const fact = (term, value) => h("div", null, h("dt", null, term), h("dd", null, value));

/** @param {string} title @param {string} text */
function example(title, text) {
  return h("div", { class: "example" },
    h("div", { class: "example-head" }, h("h3", null, title),
      h("button", { type: "button", class: "quiet", "aria-label": `Copy: ${title}`, onclick: () => void copy(text, "Example") }, icon("copy"))),
    h("pre", { tabindex: "0" }, text));
}

/** @param {string} url @param {string} access */
function snippet(url, access) {
  return access === "public"
    ? `const answer = await fetch("${url}");\nconsole.log(await answer.text());`
    : `const answer = await fetch("${url}", {\n  headers: { Authorization: \`Bearer \${token}\` },\n});`;
}
