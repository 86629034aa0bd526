// What stands around every view: the bar at the top, and the place for the view.

import { fill, h, mark } from "../dom.js";
import { link } from "../router.js";
import { end, user } from "../session.js";

/** @type {HTMLElement | null} */
let main = null;
/** @type {HTMLElement | null} */
let header = null;

/**
 * @param {boolean} isLoggedIn
 * @param {string} view the one that is shown
 * @param {boolean} isWide whether it takes the whole width
 * @returns {HTMLElement} where the view goes
 */
export function shell(isLoggedIn, view, isWide) {
  if (!main || !header) {
    main = h("main", { id: "main", tabindex: "-1" });
    header = h("header", { class: "bar" });
    const skip = h("a", { class: "skip", href: "#main" }, "Skip to the content");
    skip.addEventListener("click", (event) => {
      // The address behind # is the view's.
      event.preventDefault();
      main?.focus();
    });
    document.body.prepend(skip, header, main);
  }
  header.hidden = !isLoggedIn;
  main.className = isWide ? "wide" : "";
  document.body.classList.toggle("entrance", !isLoggedIn);
  if (isLoggedIn) fill(header, ...bar(view));
  return main;
}

/** @param {string} view */
function bar(view) {
  const entry = (/** @type {string} */ name, /** @type {string} */ text, /** @type {string[]} */ views) =>
    h("a", { href: link(name), "aria-current": views.includes(view) ? "page" : null }, text);
  return [
    h("a", { class: "brand", href: link("functions"), "aria-label": "Invok" }, mark(), h("span", null, "Invok")),
    h("nav", { "aria-label": "Main" },
      entry("functions", "Functions", ["functions", "function"]), entry("playground", "Playground", ["playground"])),
    h("div", { class: "who" },
      h("span", { class: "email", title: user()?.email }, user()?.email),
      h("button", { type: "button", class: "quiet", onclick: () => end() }, "Log out")),
  ];
}
