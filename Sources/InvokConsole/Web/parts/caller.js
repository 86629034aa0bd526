// Requests to one function, their answers, and those that were made before, which this browser's tab remembers.

import { fill, h } from "../dom.js";
import { answerView } from "./answer-view.js";
import { call } from "./call.js";
import { duration } from "./format.js";
import { problemView } from "./problem.js";
import { requestForm } from "./request-form.js";

const KEPT = 12;

/** @typedef {import("./call.js").CallRequest} CallRequest */
/** @typedef {{request: CallRequest, status: number, milliseconds: number}} Made */

/**
 * @param {{uuid: string, name: string}} key
 */
export function caller(key) {
  const storage = `invok.requests.${key.uuid}.${key.name}`;
  const answers = answerView();
  const problem = h("div");
  const past = h("div", { class: "past" });
  /** @type {AbortController | null} */
  let running = null;
  /** @type {Made[]} */
  let made = remembered();
  const form = requestForm((request) => void send(request), `/${key.name}`);

  /** @returns {Made[]} */
  function remembered() {
    try {
      const kept = JSON.parse(sessionStorage.getItem(storage) ?? "[]");
      return Array.isArray(kept) ? kept.filter((each) => typeof each?.request?.path === "string") : [];
    } catch {
      return [];
    }
  }

  /** @param {CallRequest} request */
  async function send(request) {
    if (running) return running.abort();
    const controller = new AbortController();
    running = controller;
    form.busy(true);
    problem.replaceChildren();
    answers.clear();
    let status = 0;
    let milliseconds = 0;
    let isWaiting = false;
    try {
      const answer = await call(key, request, controller.signal, (answer) => {
        if (isWaiting || answer.isWhole) return;
        isWaiting = true;
        requestAnimationFrame(() => {
          isWaiting = false;
          if (running === controller) answers.show(answer);
        });
      });
      answers.show(answer);
      ({ status, milliseconds } = answer);
    } catch (error) {
      if (!controller.signal.aborted) {
        fill(problem, problemView(error));
        status = /** @type {any} */ (error).status ?? 0;
      }
    }
    running = null;
    form.busy(false);
    if (status) remember({ request, status, milliseconds });
  }

  /** @param {Made} one */
  function remember(one) {
    const same = JSON.stringify(one.request);
    made = [one, ...made.filter((each) => JSON.stringify(each.request) !== same)].slice(0, KEPT);
    try {
      sessionStorage.setItem(storage, JSON.stringify(made));
    } catch {
      // It is remembered as long as the view is open.
    }
    showPast();
  }

  function showPast() {
    past.hidden = !made.length;
    fill(past, h("h3", null, "Before"), h("ul", null, ...made.map((one) =>
      h("li", null, h("button", { type: "button", class: "quiet", onclick: () => { form.set(one.request); void send(one.request); } },
        h("span", { class: `status s${Math.floor(one.status / 100)}` }, String(one.status)),
        h("code", null, `${one.request.method} ${one.request.path || "/"}`),
        h("span", { class: "faint" }, one.milliseconds ? duration(one.milliseconds) : ""))))));
  }

  showPast();
  return {
    element: h("div", { class: "caller" }, form.element, problem, answers.element, past),
    /** Makes the request that stands in the form. */
    async send() {
      running?.abort();
      running = null;
      await send(form.read());
    },
    stop() { running?.abort(); },
  };
}
