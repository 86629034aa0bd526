// A function's log as it comes: filtered by the server, searched here, held still on demand.

import { follow } from "../api.js";
import { fill, h, icon } from "../dom.js";
import { counted } from "../parts/format.js";
import { asProblem, problemView } from "../parts/problem.js";
import { logLines } from "../parts/log-lines.js";

const FIRST = 10_000;

/** @param {import("../views/function.js").Context} context */
export function logs({ record }) {
  const lines = logLines();
  const problem = h("div");
  const state = h("span", { class: "live", role: "status" });
  const grep = h("input", { type: "search", placeholder: "Pattern, such as timed? out|refused", "aria-label": "Only lines that have this pattern", autocomplete: "off", spellcheck: "false" });
  const where = h("input", { type: "search", placeholder: "level=error http.status=500", "aria-label": "Only lines of JSON that say so", autocomplete: "off", spellcheck: "false" });
  const source = h("select", { "aria-label": "Source" },
    ...[["", "All sources"], ["stdout", "stdout"], ["stderr", "stderr"], ["platform", "Platform"]].map(([value, text]) => h("option", { value }, text)));
  const pause = h("button", { type: "button", "aria-pressed": "false" });
  let isPaused = false;
  let controller = new AbortController();
  let last = "";

  function showPause() {
    fill(pause, icon(isPaused ? "play" : "pause"), isPaused ? "Go on" : "Pause");
    pause.setAttribute("aria-pressed", String(isPaused));
  }

  /** @param {boolean} isNew whether to begin anew, or to go on behind the last line. */
  async function run(isNew) {
    controller.abort();
    controller = new AbortController();
    const { signal } = controller;
    if (isNew) {
      lines.clear();
      last = "";
    }
    let failures = 0;
    while (!signal.aborted && (lines.element.isConnected || !failures)) {
      try {
        state.textContent = "Live";
        const conditions = where.value.trim().split(/\s+/).filter(Boolean);
        const filter = { limit: FIRST, grep: grep.value.trim(), where: conditions, after: last };
        for await (const event of follow(record, filter, signal)) {
          problem.replaceChildren();
          failures = 0;
          last = event.id;
          lines.add(JSON.parse(event.data));
        }
        // The server has ended it, as when it stops.
        failures += 1;
      } catch (error) {
        if (signal.aborted) return;
        const known = asProblem(error);
        if (known.status >= 400 && known.status < 500 && known.status !== 429) {
          state.textContent = "";
          return fill(problem, problemView(error));
        }
        failures += 1;
      }
      state.textContent = "Waiting for the server…";
      await new Promise((resolve) => setTimeout(resolve, Math.min(1000 * failures, 10_000)));
    }
  }

  const restart = () => {
    if (isPaused) pause.click();
    void run(true);
  };
  for (const field of [grep, where]) field.addEventListener("change", restart);
  source.addEventListener("change", () => lines.only(source.value));
  pause.addEventListener("click", () => {
    isPaused = !isPaused;
    lines.hold(isPaused);
    showPause();
  });
  showPause();
  lines.whenChanged((shown, held) => {
    fill(count, counted(shown, "line"), held ? `, ${counted(held, "new one")} held back` : "");
  });
  const count = h("span", { class: "faint count" });
  const clear = h("button", { type: "button", class: "quiet", onclick: () => lines.clear() }, "Clear");
  const element = h("div", { class: "logs" },
    h("form", { class: "filters", role: "search", onsubmit: (/** @type {Event} */ event) => { event.preventDefault(); restart(); } },
      grep, where, source, h("div", { class: "filter-tools" }, pause, clear, state, count)),
    problem, lines.element);
  // Whoever leaves the view needs no more lines.
  const observer = new MutationObserver(() => {
    if (element.isConnected) return;
    observer.disconnect();
    controller.abort();
  });
  setTimeout(() => {
    observer.observe(document.body, { childList: true, subtree: true });
    void run(true);
  });
  return element;
}
