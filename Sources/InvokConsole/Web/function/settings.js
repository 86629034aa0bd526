// What may be changed of a function without its code.

import { remove, update } from "../api.js";
import { fill, h, icon } from "../dom.js";
import { ask } from "../parts/dialog.js";
import { problemView } from "../parts/problem.js";
import { toast } from "../parts/toast.js";
import { go } from "../router.js";

/** Each limit, what it is, its unit and its bounds. */
const LIMITS = /** @type {[string, string, string, number, number][]} */ ([
  ["memoryMB", "Memory of an instance", "MB", 16, 4096],
  ["cpus", "Processors", "cores", 0.05, 16],
  ["timeoutSeconds", "Time until an answer begins", "s", 1, 900],
  ["pauseSeconds", "Longest pause in an answer", "s", 1, 900],
  ["streamSeconds", "Longest answer in all", "s", 1, 86400],
  ["startSeconds", "Time to start", "s", 1, 120],
  ["concurrency", "Requests at a time, each instance", "", 1, 1000],
  ["minInstances", "Instances at least", "", 0, 100],
  ["maxInstances", "Instances at most", "", 1, 100],
  ["idleSeconds", "Idle instances stop after", "s", 1, 86400],
  ["ratePerCaller", "Requests a second, each stranger", "0 is no limit", 0, 100000],
]);

/** @param {import("../views/function.js").Context} context */
export function settings(context) {
  return h("div", { class: "settings" }, access(context), limits(context), environment(context), removal(context));
}

/**
 * A card with a form that changes something.
 * @param {import("../views/function.js").Context} context
 * @param {string} title
 * @param {string} text
 * @param {HTMLElement[]} fields
 * @param {() => object | null} change what to send; nothing, when nothing has changed
 */
function card(context, title, text, fields, change) {
  const problem = h("div");
  const button = h("button", { type: "submit", class: "primary" }, "Save");
  return h("form", {
    class: "card",
    onsubmit: async (/** @type {Event} */ event) => {
      event.preventDefault();
      problem.replaceChildren();
      const changed = change();
      const before = context.record.active_version;
      if (!changed) return toast("Nothing has changed");
      button.disabled = true;
      button.textContent = "Saving…";
      try {
        const done = await update(context.record, changed);
        toast(done.version === before ? "Saved" : `Saved; version ${done.version} is active`);
        await context.reload();
      } catch (error) {
        fill(problem, problemView(error));
        button.disabled = false;
        button.textContent = "Save";
      }
    },
  }, h("h2", null, title), h("p", { class: "hint" }, text), ...fields, problem, h("div", { class: "actions" }, button));
}

/** @param {import("../views/function.js").Context} context */
function access(context) {
  const choice = (/** @type {string} */ value, /** @type {string} */ title, /** @type {string} */ text) => h("label", { class: "choice" },
    h("input", { type: "radio", name: "access", value, checked: context.record.access === value }),
    h("span", null, h("strong", null, title), h("span", { class: "faint" }, text)));
  const group = h("fieldset", null, h("legend", { class: "unseen" }, "Who may call it"),
    choice("private", "Private", "A call needs a token that may invoke in this namespace."),
    choice("public", "Public", "Whoever knows the address may call it."));
  return card(context, "Access", "It holds at once, without a new version.", [group], () => {
    const value = /** @type {HTMLInputElement | null} */ (group.querySelector("input:checked"))?.value;
    return value === context.record.access ? null : { access: value };
  });
}

/** @param {import("../views/function.js").Context} context */
function limits(context) {
  const now = context.record.limits ?? {};
  const fields = LIMITS.map(([name, title, unit, least, most]) => h("div", { class: "field inline" },
    h("label", { for: `limit-${name}` }, title, unit && h("span", { class: "faint" }, ` (${unit})`)),
    h("input", { id: `limit-${name}`, name, type: "number", min: least, max: most, step: name === "cpus" ? "any" : "1", required: true, value: now[name] ?? "" })));
  return card(context, "Limits", "Saving makes a new version of the same code, which is started before the old one goes.",
    [h("div", { class: "grid" }, ...fields)], () => {
      const values = Object.fromEntries(fields.map((field) => {
        const input = /** @type {any} */ (field.querySelector("input"));
        return [input.name, Number(input.value)];
      }));
      return Object.keys(values).every((name) => values[name] === now[name]) ? null : { limits: values };
    });
}

/** @param {import("../views/function.js").Context} context */
function environment(context) {
  const rows = h("div", { class: "variables" });
  const add = (name = "", focus = false) => {
    const key = h("input", { class: "mono", value: name, placeholder: "NAME", "aria-label": "Name", pattern: "[A-Za-z_][A-Za-z0-9_]*", autocomplete: "off", spellcheck: "false" });
    const value = h("input", { class: "mono", placeholder: name ? "Write its value again" : "value", "aria-label": `Value of ${name || "the new variable"}`, autocomplete: "off", spellcheck: "false" });
    const row = h("div", { class: "variable" }, key, value,
      h("button", { type: "button", class: "quiet", "aria-label": `Remove ${name || "this variable"}`, onclick: () => row.remove() }, icon("close")));
    rows.append(row);
    if (focus) key.focus();
  };
  for (const name of context.record.env) add(name);
  const more = h("button", { type: "button", onclick: () => add("", true) }, icon("plus"), "Add a variable");
  const text = context.record.env.length
    ? "Values are sealed and never shown. Saving sets all of them anew, so write the value of each that stays."
    : "The function’s variables. Their values are sealed, and never shown again.";
  return card(context, "Environment", text, [rows, h("div", { class: "actions" }, more)], () => {
    /** @type {Record<string, string>} */
    const env = {};
    for (const row of rows.children) {
      const [key, value] = /** @type {any} */ (row.querySelectorAll("input"));
      if (key.value) env[key.value] = value.value;
    }
    return !Object.keys(env).length && !context.record.env.length ? null : { env };
  });
}

/** @param {import("../views/function.js").Context} context */
function removal({ record }) {
  return h("section", { class: "card danger-zone" },
    h("h2", null, "Delete"),
    h("p", { class: "hint" }, "The function goes with its versions and its log. Requests that run are finished. It cannot be undone."),
    h("div", { class: "actions" }, h("button", {
      type: "button", class: "danger",
      onclick: () => ask({
        title: `Delete ${record.name}?`, text: "All of its versions and its log go with it, for good.",
        button: "Delete it", busy: "Deleting…", typed: record.name,
        act: async () => {
          await remove(record);
          toast(`${record.name} is deleted`);
          go("functions");
        },
      }),
    }, "Delete this function")));
}
