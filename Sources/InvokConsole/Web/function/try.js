// Calling the function from here.

import { h } from "../dom.js";
import { caller } from "../parts/caller.js";
import { link } from "../router.js";

/** @param {import("../views/function.js").Context} context */
export function tryIt({ record }) {
  if (!record.active_version) {
    return h("p", { class: "empty" }, "No version of it serves yet. ",
      h("a", { href: link("function", record.uuid, record.name, "versions") }, "See what its build said"), ".");
  }
  return h("div", { class: "card try" }, caller(record).element);
}
