// The project's files, as tabs: opened, added, removed.

import { fill, h, icon } from "../dom.js";
import { ask } from "../parts/dialog.js";

/**
 * @param {{files: () => Record<string, string>, open: (path: string) => void, changed: () => void}} project
 */
export function fileTabs(project) {
  const element = h("div", { class: "files", role: "toolbar", "aria-label": "Files" });
  let current = "";

  /** @param {string} path */
  function choose(path) {
    current = path;
    draw();
    project.open(path);
  }

  function draw() {
    fill(element,
      ...Object.keys(project.files()).map((path) => h("span", { class: "file" },
        h("button", {
          type: "button", class: "quiet", "aria-pressed": String(path === current), onclick: () => choose(path),
        }, path),
        path === current && path !== "config.json" && h("button", {
          type: "button", class: "quiet remove", "aria-label": `Remove ${path}`, title: `Remove ${path}`, onclick: () => remove(path),
        }, icon("close")))),
      adder());
  }

  function adder() {
    const field = h("input", { class: "mono", placeholder: "path/name.py", "aria-label": "The new file’s path", hidden: true, autocomplete: "off", spellcheck: "false" });
    const button = h("button", { type: "button", class: "quiet", "aria-label": "Add a file", title: "Add a file" }, icon("plus"));
    const done = () => {
      const path = field.value.trim().replace(/^\.?\/+/, "");
      field.hidden = true;
      button.hidden = false;
      if (!path) return;
      if (path.split("/").some((/** @type {string} */ part) => part === "" || part === "..")) {
        field.hidden = false;
        field.setCustomValidity("A path in the project, such as templates/page.html");
        field.reportValidity();
        return;
      }
      project.files()[path] ??= "";
      project.changed();
      choose(path);
    };
    button.addEventListener("click", () => {
      button.hidden = true;
      field.hidden = false;
      field.focus();
    });
    field.addEventListener("input", () => field.setCustomValidity(""));
    field.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      if (event.key === "Enter") {
        event.stopPropagation();
        done();
      } else if (event.key === "Escape") {
        field.value = "";
        done();
        button.focus();
      }
    });
    field.addEventListener("blur", () => { if (!field.hidden) done(); });
    return h("span", { class: "file" }, button, field);
  }

  /** @param {string} path */
  function remove(path) {
    ask({
      title: `Remove ${path}?`, text: "It goes from this draft. What is deployed keeps it until the next deploy.",
      button: "Remove it", busy: "Removing…",
      act: async () => {
        delete project.files()[path];
        project.changed();
        choose(Object.keys(project.files())[0]);
      },
    });
  }

  return { element, choose, get current() { return current; } };
}
