// Questions before what cannot be undone.

import { fill, h } from "../dom.js";
import { problemView } from "./problem.js";

/**
 * Asks, and does it. The dialog stays until it is done, or says why not.
 * @param {{title: string, text: string, button: string, busy: string, typed?: string, act: () => Promise<void>}} question
 *   with `typed`, that text has to be written first
 */
export function ask({ title, text, button, busy, typed, act }) {
  const problem = h("div");
  const doIt = h("button", { type: "submit", class: typed ? "danger" : "primary", disabled: Boolean(typed) }, button);
  const field = typed === undefined ? null : h("input", { id: "typed", autocomplete: "off", spellcheck: "false", autocapitalize: "off" });
  field?.addEventListener("input", () => { doIt.disabled = field.value !== typed; });
  const dialog = /** @type {HTMLDialogElement & Record<string, any>} */ (h("dialog", { "aria-labelledby": "dialog-title" },
    h("form", {
      method: "dialog",
      onsubmit: async (/** @type {Event} */ event) => {
        event.preventDefault();
        doIt.disabled = true;
        doIt.textContent = busy;
        problem.replaceChildren();
        try {
          await act();
          dialog.close();
        } catch (error) {
          fill(problem, problemView(error));
          doIt.disabled = false;
          doIt.textContent = button;
        }
      },
    },
      h("h2", { id: "dialog-title" }, title),
      h("p", null, text),
      field && h("div", { class: "field" },
        h("label", { for: "typed" }, "Write ", h("strong", null, typed), " to confirm"), field),
      problem,
      h("div", { class: "actions end" },
        h("button", { type: "button", onclick: () => dialog.close() }, "Cancel"), doIt))));
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}
