// A request to be made: method, path, headers, body.

import { add, h, icon } from "../dom.js";

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
const WITHOUT_BODY = ["GET", "HEAD", "OPTIONS"];

/** @typedef {import("./call.js").CallRequest} CallRequest */

/**
 * @param {(request: CallRequest) => void} send
 * @param {string} prefix what the path follows
 */
export function requestForm(send, prefix) {
  const method = h("select", { "aria-label": "Method" }, ...METHODS.map((name) => h("option", null, name)));
  const path = h("input", { class: "mono", placeholder: "/path?query", "aria-label": "Path below the function", autocomplete: "off", spellcheck: "false" });
  const headers = h("div", { class: "variables" });
  const body = h("textarea", { class: "mono", rows: "5", "aria-label": "Body", spellcheck: "false", placeholder: '{"name": "Ada"}' });
  const bodyPart = h("details", { class: "part" }, h("summary", null, "Body"), body);
  const headerPart = h("details", { class: "part" }, h("summary", null, "Headers"), headers,
    h("button", { type: "button", class: "quiet", onclick: () => addHeader() }, icon("plus"), "Add a header"));
  const button = h("button", { type: "submit", class: "primary" }, icon("play"), "Send");

  function addHeader(name = "", value = "") {
    const row = h("div", { class: "variable" },
      h("input", { class: "mono", value: name, placeholder: "Name", "aria-label": "Header’s name", autocomplete: "off", spellcheck: "false" }),
      h("input", { class: "mono", value, placeholder: "value", "aria-label": "Header’s value", autocomplete: "off", spellcheck: "false" }),
      h("button", { type: "button", class: "quiet", "aria-label": "Remove this header", onclick: () => row.remove() }, icon("close")));
    headers.append(row);
    if (!name) row.querySelector("input")?.focus();
  }
  const showBody = () => { bodyPart.hidden = WITHOUT_BODY.includes(method.value); };
  method.addEventListener("change", () => {
    showBody();
    if (!bodyPart.hidden) bodyPart.toggleAttribute("open", true);
  });
  showBody();

  /** @returns {CallRequest} */
  function read() {
    const given = [...headers.children].map((row) => {
      const [name, value] = /** @type {any} */ (row.querySelectorAll("input"));
      return { name: name.value.trim(), value: value.value };
    }).filter((header) => header.name);
    let text = path.value.trim();
    if (text && !/^[/?]/.test(text)) text = `/${text}`;
    const isAscii = /^[\x21-\x7e]*$/.test(text);
    return { method: method.value, path: isAscii ? text : encodeURI(text), headers: given, body: bodyPart.hidden ? "" : body.value };
  }

  const element = h("form", {
    class: "request",
    onsubmit: (/** @type {Event} */ event) => {
      event.preventDefault();
      send(read());
    },
    onkeydown: (/** @type {KeyboardEvent} */ event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target === body) element.requestSubmit();
    },
  }, h("div", { class: "line-of-request" }, method, h("span", { class: "prefix faint", title: prefix }, prefix), path, button), headerPart, bodyPart);
  return {
    element,
    read,
    /** @param {CallRequest} request */
    set(request) {
      method.value = request.method;
      path.value = request.path;
      headers.replaceChildren();
      for (const header of request.headers) addHeader(header.name, header.value);
      headerPart.toggleAttribute("open", request.headers.length > 0);
      body.value = request.body;
      showBody();
      bodyPart.toggleAttribute("open", Boolean(request.body));
    },
    /** @param {boolean} isBusy */
    busy(isBusy) {
      button.replaceChildren();
      add(button, icon(isBusy ? "close" : "play"), isBusy ? "Stop" : "Send");
    },
  };
}
