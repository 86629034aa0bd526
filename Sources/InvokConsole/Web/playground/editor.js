// The editor: CodeMirror where the server has it, a plain text field elsewhere. Both do the same, in their way.

import { h } from "../dom.js";

/**
 * @typedef {{
 *   element: HTMLElement,
 *   open: (path: string, text: string) => void,
 *   mark: (marks: {line: number, message: string}[]) => void,
 *   focus: (line?: number) => void,
 * }} Editor
 */

const MODES = /** @type {[RegExp, string | object][]} */ ([
  [/\.py$/, "python"], [/\.go$/, "go"], [/\.(ts|tsx|mts|cts)$/, { name: "javascript", typescript: true }],
  [/\.(js|mjs|cjs|jsx)$/, "javascript"], [/\.json$/, { name: "javascript", json: true }], [/\.html?$/, "htmlmixed"], [/\.css$/, "css"],
]);

/** @type {Promise<any> | null} */
let loading = null;

/** CodeMirror, a classic script; `null` where there is none. */
function codeMirror() {
  const folder = document.querySelector('meta[name="invok-editor"]')?.getAttribute("content");
  if (!folder) return Promise.resolve(null);
  loading ??= new Promise((resolve) => {
    // Before our own styles, which go over it.
    document.head.prepend(h("link", { rel: "stylesheet", href: `${folder}codemirror.css` }));
    const script = h("script", { src: `${folder}codemirror.js` });
    script.onload = () => resolve(/** @type {any} */ (globalThis).CodeMirror ?? null);
    script.onerror = () => resolve(null);
    document.head.append(script);
  });
  return loading;
}

/**
 * @param {(text: string) => void} whenChanged
 * @returns {Promise<Editor>}
 */
export async function makeEditor(whenChanged) {
  const CodeMirror = await codeMirror();
  return CodeMirror ? rich(CodeMirror, whenChanged) : plain(whenChanged);
}

/** @param {any} CodeMirror @param {(text: string) => void} whenChanged @returns {Editor} */
function rich(CodeMirror, whenChanged) {
  const element = h("div", { class: "editor" });
  /** @type {any[]} */
  let marked = [];
  let leaves = false;
  const mirror = CodeMirror(element, {
    lineNumbers: true, matchBrackets: true, autoCloseBrackets: true, inputStyle: "contenteditable", indentUnit: 4,
    gutters: ["marks", "CodeMirror-linenumbers"], screenReaderLabel: "Source; Escape and then Tab leaves it",
    extraKeys: {
      // The keyboard must find its way out (WCAG 2.1.2).
      Esc: () => { leaves = true; },
      Tab: (/** @type {any} */ editor) => {
        if (leaves) return CodeMirror.Pass;
        if (editor.somethingSelected()) editor.indentSelection("add");
        else editor.replaceSelection(editor.getOption("indentWithTabs") ? "\t" : " ".repeat(editor.getOption("indentUnit")));
      },
      "Shift-Tab": (/** @type {any} */ editor) => (leaves ? CodeMirror.Pass : editor.indentSelection("subtract")),
      "Ctrl-/": "toggleComment", "Cmd-/": "toggleComment",
    },
  });
  mirror.on("keydown", (/** @type {any} */ _, /** @type {KeyboardEvent} */ event) => {
    if (leaves && event.key === "Tab") {
      /** @type {any} */ (event).codemirrorIgnore = true;
    } else if (event.key !== "Escape") {
      leaves = false;
    }
  });
  mirror.on("change", (/** @type {any} */ editor, /** @type {any} */ change) => {
    if (change.origin !== "setValue") whenChanged(editor.getValue());
  });
  return {
    element,
    open(path, text) {
      const isGo = path.endsWith(".go");
      mirror.setOption("mode", MODES.find(([pattern]) => pattern.test(path))?.[1] ?? null);
      mirror.setOption("indentWithTabs", isGo);
      mirror.setOption("indentUnit", isGo ? 4 : /\.py$/.test(path) ? 4 : 2);
      mirror.setValue(text);
      mirror.clearHistory();
      this.mark([]);
      requestAnimationFrame(() => mirror.refresh());
    },
    mark(marks) {
      for (const each of marked) each.clear();
      mirror.clearGutter("marks");
      mirror.eachLine((/** @type {any} */ line) => mirror.removeLineClass(line, "background", "wrong"));
      marked = marks.map(({ line, message }) => {
        const at = Math.min(line, mirror.lineCount()) - 1;
        mirror.addLineClass(at, "background", "wrong");
        mirror.setGutterMarker(at, "marks", h("span", { class: "wrong-mark", title: message, role: "img", "aria-label": "Error" }, "●"));
        return mirror.addLineWidget(at, h("div", { class: "wrong-text" }, message));
      });
    },
    focus(line) {
      mirror.focus();
      if (line) mirror.setCursor(Math.min(line, mirror.lineCount()) - 1, 0);
    },
  };
}

/** @param {(text: string) => void} whenChanged @returns {Editor} */
function plain(whenChanged) {
  const field = h("textarea", { class: "mono", "aria-label": "Source", spellcheck: "false", autocapitalize: "off", wrap: "off" });
  const wrong = h("ul", { class: "wrong-list" });
  field.addEventListener("input", () => whenChanged(field.value));
  return {
    element: h("div", { class: "editor plain" }, field, wrong),
    open(_path, text) {
      field.value = text;
      this.mark([]);
    },
    mark(marks) {
      wrong.replaceChildren(...marks.map(({ line, message }) => h("li", null,
        h("button", { type: "button", class: "quiet", onclick: () => this.focus(line) }, `Line ${line}: ${message}`))));
    },
    focus(line) {
      field.focus();
      if (!line) return;
      const lines = field.value.split("\n");
      const start = lines.slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0);
      field.setSelectionRange(start, start + (lines[line - 1]?.length ?? 0));
    },
  };
}
