// All functions of one's own: what they are, whether they run, and where they are called.

import { functions, status } from "../api.js";
import { fill, h, icon, refreshing } from "../dom.js";
import { ago, counted, runtimeName } from "../parts/format.js";
import { problemView } from "../parts/problem.js";
import { uploadArea } from "../parts/upload.js";
import { virtualList } from "../parts/virtual-list.js";
import { link } from "../router.js";

const ROW = { wide: 57, narrow: 77 };
const narrow = matchMedia("(max-width: 640px)");

/** @returns {import("../main.js").View} */
export function functionsView() {
  const search = h("input", {
    type: "search", placeholder: "Search", "aria-label": "Search functions", autocomplete: "off", spellcheck: "false",
  });
  const count = h("p", { class: "count faint", role: "status" });
  const problem = h("div");
  const body = h("div", { class: "list-body" }, h("p", { class: "faint loading" }, "Loading…"));
  const list = virtualList();
  list.setAttribute("role", "list");
  list.setAttribute("aria-label", "Functions");
  /** @type {any[]} */
  let all = [];
  let drawn = "";
  const upload = uploadArea();

  function draw() {
    const words = search.value.trim().toLowerCase().split(/\s+/);
    const found = all.filter((each) => words.every((/** @type {string} */ word) => each.text.includes(word)));
    const state = `${narrow.matches} ${found.map((each) => each.mark).join()}`;
    if (state === drawn && body.contains(list)) return;
    drawn = state;
    count.textContent = all.length ? (found.length === all.length
      ? counted(all.length, "function") : `${found.length} of ${counted(all.length, "function")}`) : "";
    if (!all.length) return fill(body, empty());
    if (!found.length) return fill(body, h("p", { class: "empty" }, `No function has “${search.value.trim()}” in it.`));
    if (!body.contains(list)) fill(body, list);
    list.show(found.length, narrow.matches ? ROW.narrow : ROW.wide, (index) => row(found[index], index, found.length));
  }

  async function load() {
    try {
      const [records, now] = await Promise.all([functions(), status()]);
      const running = new Map(now.functions.map((/** @type {any} */ each) => [each.name, each]));
      all = records.map((/** @type {any} */ record) => {
        const { instances = 0, requests = 0 } = /** @type {any} */ (running.get(record.name) ?? {});
        const text = `${record.name} ${record.runtime ?? ""} ${record.access}`.toLowerCase();
        const mark = `${record.name} ${record.updated_at} ${record.active_version} ${instances} ${requests}`;
        return { ...record, instances, requests, text, mark };
      });
      problem.replaceChildren();
      draw();
      // Below the list, whose height is known by now.
      if (!upload.isConnected) element.append(upload);
    } catch (error) {
      fill(problem, problemView(error, () => void load()));
      if (!all.length) body.replaceChildren();
    }
  }

  search.addEventListener("input", draw);
  narrow.onchange = draw;
  const element = h("section", { class: "functions" },
    h("div", { class: "head" },
      h("h1", { tabindex: "-1" }, "Functions"), count,
      h("div", { class: "tools" },
        h("div", { class: "search" }, icon("search"), search),
        h("a", { class: "button primary", href: link("playground") }, icon("plus"), "New function"))),
    problem, body);
  refreshing(element, 5_000, load);
  return { title: "Functions", element };
}

/** @param {any} each @param {number} index @param {number} count */
function row(each, index, count) {
  const state = !each.active_version ? ["failed", "Not deployed"]
    : each.instances ? ["running", `${counted(each.instances, "instance")}`] : ["idle", "Idle"];
  return h("div", { class: "row", role: "listitem", "aria-posinset": index + 1, "aria-setsize": count },
    h("a", { class: "name", href: link("function", each.uuid, each.name) }, each.name),
    h("span", { class: `state ${state[0]}` }, h("i", { class: "dot" }), state[1],
      each.requests > 0 && h("span", { class: "faint" }, ` · ${counted(each.requests, "request")}`)),
    h("span", { class: "runtime" }, runtimeName(each.runtime)),
    h("span", { class: "access" }, icon(each.access === "public" ? "globe" : "lock"),
      each.access === "public" ? "Public" : "Private"),
    h("span", { class: "version" }, each.active_version ? `v${each.active_version}` : "–"),
    h("time", { class: "faint when", datetime: each.updated_at, title: each.updated_at }, ago(each.updated_at)));
}

function empty() {
  return h("div", { class: "empty" },
    h("h2", null, "Your first function is a minute away"),
    h("p", null, "Write one in the browser and see it answer, or drop a project below."),
    h("div", { class: "actions" },
      h("a", { class: "button primary", href: link("playground", "new", "python") }, "Start with Python"),
      h("a", { class: "button", href: link("playground", "new", "nodejs") }, "Node.js"),
      h("a", { class: "button", href: link("playground", "new", "go") }, "Go")),
    h("p", { class: "faint" }, "Or from a terminal: ", h("code", null, "invok create -n hello-world"), ", then ",
      h("code", null, "invok deploy -n hello-world"), "."));
}
