// Short words about what was done, spoken too.

import { h, icon } from "../dom.js";

const region = h("div", { class: "toasts", role: "status", "aria-live": "polite" });

/**
 * @param {string} text
 * @param {{label: string, act: () => void}} [action]
 */
export function toast(text, action) {
  if (!region.isConnected) document.body.append(region);
  const message = h("div", { class: "toast" }, icon("check"), h("span", null, text));
  const leave = () => message.remove();
  if (action) {
    message.append(h("button", { type: "button", class: "quiet", onclick: () => { leave(); action.act(); } }, action.label));
  }
  region.append(message);
  setTimeout(leave, action ? 12_000 : 5_000);
}

/**
 * Copies a text, and says so.
 * @param {string} text
 * @param {string} what
 */
export async function copy(text, what) {
  try {
    await navigator.clipboard.writeText(text);
    toast(`${what} copied`);
  } catch {
    toast(`The browser did not let it be copied: ${text}`);
  }
}
