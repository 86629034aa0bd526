// Lines of a log, at most a hundred thousand, of which only those that are seen have elements.

import { fill, h } from "../dom.js";
import { copy } from "./toast.js";
import { virtualList } from "./virtual-list.js";

/** @typedef {{time: string, source: string, instance?: string, text: string, cursor: number}} Line */

const MOST = 100_000;
const ROW = 24;

export function logLines() {
  const list = virtualList();
  list.setAttribute("role", "list");
  const frame = h("div", { class: "log-frame", "data-scrolls": true, tabindex: "0", role: "log", "aria-label": "Log", "aria-live": "off" }, list);
  const detail = h("div", { class: "log-detail", hidden: true });
  const empty = h("p", { class: "empty" }, "No lines yet. What the function prints stands here at once.");
  const element = h("div", { class: "log" }, empty, frame, detail);
  /** @type {Line[]} */
  let all = [];
  /** @type {Line[]} */
  let shown = [];
  /** @type {Line[]} */
  let held = [];
  let source = "";
  let isHeld = false;
  let isWaiting = false;
  /** @type {(shown: number, held: number) => void} */
  let tell = () => {};

  const isAtEnd = () => frame.scrollTop + frame.clientHeight > frame.scrollHeight - 2 * ROW;
  const matches = (/** @type {Line} */ line) => !source || line.source === source;

  function row(/** @type {number} */ index) {
    const line = shown[index];
    return h("div", { class: `line ${line.source}`, role: "listitem" },
      h("button", { type: "button", class: "line-button", onclick: () => open(line) },
        h("time", { datetime: line.time }, line.time.slice(11, 23)),
        h("span", { class: "source" }, line.source), h("span", { class: "text" }, line.text.slice(0, 2000))));
  }

  function open(/** @type {Line} */ line) {
    let text = line.text;
    try {
      text = JSON.stringify(JSON.parse(text), null, 2);
    } catch {
      // It is no JSON, and stands as it is.
    }
    const close = () => { detail.hidden = true; frame.focus(); };
    fill(detail,
      h("div", { class: "detail-head" },
        h("span", { class: "faint" }, `${line.time} · ${line.source}${line.instance ? ` · instance ${line.instance}` : ""}`),
        h("button", { type: "button", class: "quiet", onclick: () => void copy(line.text, "Line") }, "Copy"),
        h("button", { type: "button", class: "quiet", onclick: close }, "Close")),
      h("pre", { tabindex: "0" }, text));
    detail.hidden = false;
    detail.onkeydown = (/** @type {KeyboardEvent} */ event) => { if (event.key === "Escape") close(); };
    detail.querySelector("pre")?.focus();
  }

  function show() {
    empty.hidden = shown.length > 0;
    frame.hidden = shown.length === 0;
    list.show(shown.length, ROW, row);
    tell(shown.length, held.length);
  }

  /** Once for all lines that came in a frame. */
  function later() {
    if (isWaiting) return;
    isWaiting = true;
    requestAnimationFrame(() => {
      isWaiting = false;
      const follows = shown.length === 0 || isAtEnd();
      if (all.length > MOST) {
        all = all.slice(-MOST * 0.9);
        shown = all.filter(matches);
        show();
      } else if (frame.hidden || empty.isConnected && !empty.hidden) show();
      else list.grow(shown.length);
      if (follows) frame.scrollTop = frame.scrollHeight;
      list.draw();
      tell(shown.length, held.length);
    });
  }

  function take(/** @type {Line} */ line) {
    all.push(line);
    if (matches(line)) shown.push(line);
  }

  frame.hidden = true;
  return {
    element,
    add(/** @type {Line} */ line) {
      if (isHeld) held.push(line);
      else take(line);
      if (held.length > MOST) held.shift();
      later();
    },
    clear() {
      [all, shown, held] = [[], [], []];
      detail.hidden = true;
      show();
    },
    /** Shows lines of one source only; of all, when it is empty. */
    only(/** @type {string} */ one) {
      source = one;
      shown = all.filter(matches);
      show();
      frame.scrollTop = frame.scrollHeight;
    },
    /** Shows nothing new until it is let go. */
    hold(/** @type {boolean} */ now) {
      isHeld = now;
      if (now) return;
      for (const line of held) take(line);
      held = [];
      later();
    },
    whenChanged(/** @type {(shown: number, held: number) => void} */ listener) { tell = listener; },
  };
}
