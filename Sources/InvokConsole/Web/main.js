// The application: which view stands in the page, and that it is the right one for who is logged in.

import { fill, h } from "./dom.js";
import { problemView } from "./parts/problem.js";
import { shell } from "./parts/shell.js";
import { link, place, whenMoved } from "./router.js";
import { user, whenChanged } from "./session.js";
import { functionsView } from "./views/functions.js";
import { loginView } from "./views/login.js";

/** @typedef {{title: string, element: HTMLElement, wide?: boolean}} View */

/** Where to go after the log-in. */
let wanted = "";
let shown = 0;

/** @returns {Promise<View>} */
async function view() {
  const { view: name, parts } = place();
  if (!user()) {
    if (!["login", "register"].includes(name)) wanted = location.hash;
    return loginView(name === "register" ? "register" : "login");
  }
  switch (name) {
    case "login":
    case "register":
      history.replaceState(null, "", wanted || link("functions"));
      wanted = "";
      return view();
    case "function":
      return (await import("./views/function.js")).functionView({ uuid: parts[0], name: parts[1] }, parts[2]);
    case "playground":
      return (await import("./views/playground.js")).playgroundView(parts);
    default:
      return functionsView();
  }
}

/** @param {boolean} isFirst */
async function show(isFirst) {
  const turn = ++shown;
  /** @type {View} */
  let next;
  try {
    next = await view();
  } catch (error) {
    next = { title: "Something went wrong", element: h("div", null, problemView(error)) };
  }
  // Somebody may have moved on meanwhile.
  if (turn !== shown) return;
  document.title = `${next.title} · Invok`;
  const main = shell(Boolean(user()), place().view, next.wide ?? false);
  fill(main, next.element);
  // A screen reader hears where it is; at first the browser tells.
  if (!isFirst) /** @type {HTMLElement | null} */ (main.querySelector("h1"))?.focus();
}

whenMoved(() => void show(false));
whenChanged(() => void show(false));
void show(true);
