// Logging in, and making an account.

import { enter } from "../api.js";
import { fill, h, mark } from "../dom.js";
import { problemView } from "../parts/problem.js";
import { link } from "../router.js";
import { ranOut } from "../session.js";

const TEXTS = {
  login: {
    title: "Log in", button: "Log in", busy: "Logging in…",
    other: "No account yet?", link: "Make one", to: "register", password: "current-password",
  },
  register: {
    title: "Make an account", button: "Make the account", busy: "Making it…",
    other: "You have one already?", link: "Log in", to: "login", password: "new-password",
  },
};

/** @param {"login" | "register"} what @returns {import("../main.js").View} */
export function loginView(what) {
  const texts = TEXTS[what];
  const problem = h("div");
  const button = h("button", { class: "primary", type: "submit" }, texts.button);
  const email = h("input", {
    id: "email", name: "email", type: "email", autocomplete: "username", required: true, autofocus: true, spellcheck: "false",
  });
  const password = h("input", {
    id: "password", name: "password", type: "password", autocomplete: texts.password, required: true,
    minlength: what === "register" ? "8" : null, "aria-describedby": what === "register" ? "password-hint" : null,
  });

  async function submit(/** @type {Event} */ event) {
    event.preventDefault();
    button.disabled = true;
    button.textContent = texts.busy;
    problem.replaceChildren();
    try {
      await enter(what, email.value, password.value);
    } catch (error) {
      fill(problem, problemView(error));
      button.disabled = false;
      button.textContent = texts.button;
      password.focus();
    }
  }

  const form = h("form", { class: "card", onsubmit: submit },
    h("h1", { tabindex: "-1" }, texts.title),
    ranOut() && h("p", { class: "hint" }, "Your session has ended. Log in to go on where you were."),
    h("div", { class: "field" }, h("label", { for: "email" }, "Email"), email),
    h("div", { class: "field" },
      h("label", { for: "password" }, "Password"), password,
      what === "register" && h("p", { class: "hint", id: "password-hint" }, "8 characters or more.")),
    problem,
    button,
    h("p", { class: "other" }, texts.other, " ", h("a", { href: link(texts.to) }, texts.link)));
  return {
    title: texts.title,
    element: h("div", { class: "entry" },
      h("div", { class: "logo" }, mark(), "Invok"),
      form,
      h("p", { class: "faint" }, "Functions on your own machine, isolated from each other.")),
  };
}
