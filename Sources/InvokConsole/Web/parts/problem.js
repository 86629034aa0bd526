// What went wrong and what to do about it.

import { Problem } from "../api.js";
import { h, icon } from "../dom.js";

/** @param {unknown} error @returns {Problem} */
export function asProblem(error) {
  if (error instanceof Problem) return error;
  return new Problem({ detail: error instanceof Error ? error.message : String(error) });
}

/**
 * The text as a sentence. What begins with the name of a file, or of a function, stays as it is.
 * @param {string} text
 */
export function sentence(text) {
  const trimmed = text.trim();
  const begun = /^[a-z]+[ ,:]/.test(trimmed) ? trimmed.charAt(0).toUpperCase() + trimmed.slice(1) : trimmed;
  return begun + (/[.!?:…]$/.test(trimmed) ? "" : ".");
}

/**
 * @param {unknown} error
 * @param {() => void} [again] tries again
 */
export function problemView(error, again) {
  const problem = asProblem(error);
  return h("div", { class: "problem", role: "alert" },
    icon("warning"),
    h("div", null,
      h("p", { class: "what" }, sentence(problem.message)),
      problem.nextStep && h("p", { class: "next" }, sentence(problem.nextStep)),
      problem.requestID && problem.status >= 500 && h("p", { class: "faint" }, `Request ${problem.requestID}`),
      again && h("button", { type: "button", onclick: again }, "Try again")));
}
