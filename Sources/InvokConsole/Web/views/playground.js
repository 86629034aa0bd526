// The playground: write a function, deploy it by a key, and see it answer beside it.

import { deploy, read } from "../api.js";
import { fill, h, icon } from "../dom.js";
import { logs } from "../function/logs.js";
import { caller } from "../parts/caller.js";
import { ask } from "../parts/dialog.js";
import { duration } from "../parts/format.js";
import { asProblem, problemView } from "../parts/problem.js";
import { isName, keep, kept, nameLike, newDraft, rename, sourceFile } from "../playground/draft.js";
import { makeEditor } from "../playground/editor.js";
import { fileTabs } from "../playground/files.js";
import { gallerySource, KINDS, RUNTIMES } from "../playground/gallery.js";
import { marks } from "../playground/marks.js";
import { download, packed } from "../playground/project.js";
import { link } from "../router.js";
import { user } from "../session.js";

const KEY = /Mac|iP/.test(navigator.platform) ? "⌘ Enter" : "Ctrl Enter";

/** @param {string[]} parts @returns {Promise<import("../main.js").View>} */
export async function playgroundView(parts) {
  let draft = kept() ?? await newDraft("python", "hello-world");
  if (parts[0] === "new" && RUNTIMES.some(([runtime]) => runtime === parts[1])) {
    if (draft.runtime !== parts[1]) draft = await newDraft(parts[1], "hello-world");
    history.replaceState(null, "", link("playground"));
  }
  const name = h("input", { id: "name", class: "mono", "aria-label": "The function’s name", autocomplete: "off", spellcheck: "false", maxlength: "25" });
  const runtime = h("select", { "aria-label": "Runtime" }, ...RUNTIMES.map(([value, text]) => h("option", { value }, text)));
  const kind = h("select", { "aria-label": "Begin with" }, h("option", { value: "" }, "Begin with…"),
    ...KINDS.map(({ id, title, text }) => h("option", { value: id }, `${title} – ${text}`)));
  const button = h("button", { type: "button", class: "primary deploy", title: KEY });
  const state = h("span", { class: "deploy-state", role: "status" });
  const answerPane = h("div", { class: "pane" });
  const logPane = h("div", { class: "pane", hidden: true });
  const buildPane = h("div", { class: "pane", hidden: true }, h("p", { class: "empty small" }, "What the build says stands here."));
  const editor = await makeEditor((text) => {
    draft.files[files.current] = text;
    keep(draft);
  });
  const files = fileTabs({
    files: () => draft.files, open: (path) => editor.open(path, draft.files[path] ?? ""), changed: () => keep(draft),
  });
  const panes = [["answer", "Answer", answerPane], ["log", "Log", logPane], ["build", "Build", buildPane]];
  const choices = panes.map(([id, title]) => h("button", { type: "button", class: "quiet", onclick: () => show(/** @type {string} */ (id)) }, title));
  /** @type {ReturnType<typeof caller> | null} */
  let calls = null;
  let isBusy = false;

  /** @param {string} id */
  function show(id) {
    panes.forEach(([each, , pane], index) => {
      /** @type {HTMLElement} */ (pane).hidden = each !== id;
      choices[index].setAttribute("aria-pressed", String(each === id));
    });
    if (id === "log" && draft.deployed && !logPane.childElementCount) logPane.append(logs({ record: key(), url: "", reload: async () => {} }));
  }
  const key = () => ({ uuid: user()?.uuid ?? "", name: draft.name });
  function begin() {
    name.value = draft.name;
    runtime.value = draft.runtime;
    kind.value = "";
    calls = caller(key());
    fill(answerPane, draft.deployed ? calls.element : h("div", { class: "empty" },
      h("h2", null, "Deploy it to see it answer"),
      h("p", null, "Press Deploy, or ", h("kbd", null, KEY), ". The function is yours alone until you make it public.")));
    logPane.replaceChildren();
    if (!draft.deployed) logPane.append(h("p", { class: "empty small" }, "It has no log before it is deployed."));
    files.choose(sourceFile(draft.files));
    keep(draft);
  }

  /** @param {string} runtime @param {string} id */
  async function replace(runtime, id) {
    try {
      draft = await newDraft(runtime, draft.deployed ? "hello-world" : draft.name, await gallerySource(runtime, id));
      begin();
      show("answer");
    } catch (error) {
      fill(state, problemView(error));
    }
  }

  async function start() {
    if (isBusy) return;
    if (!isName(name.value)) {
      name.setCustomValidity("Small letters, digits and single dashes, up to 25, beginning with a letter.");
      name.reportValidity();
      return;
    }
    if (!draft.deployed && await exists()) {
      return ask({
        title: `${draft.name} is there already`, text: "Deploying makes a new version of it. The one that serves now stays, and you can go back to it.",
        button: "Deploy a new version", busy: "Deploying…", act: async () => { draft.deployed = true; void run(); },
      });
    }
    await run();
  }

  async function exists() {
    try {
      // One that never served has nothing to lose.
      return Boolean((await read(key())).active_version);
    } catch {
      return false;
    }
  }

  async function run() {
    isBusy = true;
    button.disabled = true;
    editor.mark([]);
    fill(state, h("span", { class: "busy" }, "Building…"));
    const began = performance.now();
    try {
      const output = h("pre", { tabindex: "0", role: "log", "aria-label": "Build" });
      const done = await deploy(draft.name, await packed(draft), (line) => {
        output.append(`${line}\n`);
        if (output.isConnected) return;
        fill(buildPane, output);
        show("build");
      });
      const wasDeployed = draft.deployed && answerPane.contains(calls?.element ?? null);
      draft.deployed = true;
      keep(draft);
      fill(state, `Version ${done.version} in ${duration(performance.now() - began)}`);
      fill(buildPane, done.build_log ? h("pre", { tabindex: "0" }, done.build_log) : h("p", { class: "empty small" }, "The build said nothing."));
      if (!wasDeployed) {
        fill(answerPane, calls?.element);
        logPane.replaceChildren();
      }
      show("answer");
      void calls?.send();
    } catch (error) {
      const problem = asProblem(error);
      fill(state, h("span", { class: "bad" }, "Not deployed"));
      fill(buildPane, problemView(error), problem.buildLog && h("pre", { tabindex: "0" }, problem.buildLog));
      show("build");
      showMarks(`${problem.buildLog ?? ""}\n${problem.message}`);
    }
    isBusy = false;
    button.disabled = false;
  }

  /** @param {string} output */
  function showMarks(output) {
    const found = marks(output, Object.keys(draft.files));
    if (!found.length) return;
    const { file } = found.find((each) => each.file === files.current) ?? found[0];
    if (file !== files.current) files.choose(file);
    const here = found.filter((each) => each.file === file);
    editor.mark(here);
    editor.focus(here[0].line);
  }

  name.addEventListener("input", () => name.setCustomValidity(""));
  name.addEventListener("change", () => {
    const next = nameLike(name.value);
    if (next === draft.name || !isName(next)) return;
    rename(draft, next);
    begin();
  });
  const mayReplace = (/** @type {() => void} */ act) => ask({
    title: "Begin anew?", text: "What is written here is replaced. What is deployed stays as it is.",
    button: "Begin anew", busy: "…", act: async () => act(),
  });
  runtime.addEventListener("change", () => {
    const chosen = runtime.value;
    runtime.value = draft.runtime;
    mayReplace(() => void replace(chosen, "hello"));
  });
  kind.addEventListener("change", () => {
    const chosen = kind.value;
    kind.value = "";
    if (chosen) mayReplace(() => void replace(draft.runtime, chosen));
  });
  fill(button, "Deploy", h("kbd", null, KEY));
  button.addEventListener("click", () => void start());

  const element = h("section", {
    class: "playground",
    onkeydown: (/** @type {KeyboardEvent} */ event) => {
      if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || answerPane.contains(/** @type {Node} */ (event.target))) return;
      event.preventDefault();
      void start();
    },
  },
    h("div", { class: "play-head" },
      h("h1", { tabindex: "-1", class: "unseen" }, "Playground"), name, runtime, kind,
      h("span", { class: "spring" }), state,
      h("button", { type: "button", title: "Download the project", "aria-label": "Download the project", onclick: () => void download(draft) }, icon("download")),
      button),
    h("div", { class: "play-body" },
      h("div", { class: "write" }, files.element, editor.element),
      h("div", { class: "watch" }, h("div", { class: "panes", role: "toolbar", "aria-label": "What is shown" }, ...choices), answerPane, logPane, buildPane)));
  // `begin` opens a file, which the editor measures once it stands in the page.
  begin();
  show("answer");
  return { title: "Playground", element, wide: true };
}
