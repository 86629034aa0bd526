// What was deployed, what its build said, and the way back.

import { rollback, versions } from "../api.js";
import { fill, h, icon } from "../dom.js";
import { ask } from "../parts/dialog.js";
import { ago, runtimeName } from "../parts/format.js";
import { problemView } from "../parts/problem.js";
import { toast } from "../parts/toast.js";

const STATES = /** @type {Record<string, [string, string]>} */ ({
  building: ["Building", "idle"], ready: ["Ready", "ready"], failed: ["Failed", "failed"],
});

/** @param {import("../views/function.js").Context} context */
export function versionsTab(context) {
  const element = h("div", null, h("p", { class: "faint loading" }, "Loading…"));

  async function load() {
    try {
      const all = await versions(context.record);
      fill(element, h("ol", { class: "versions", "aria-label": "Versions, the newest first" },
        ...all.map((/** @type {any} */ version) => row(version))));
    } catch (error) {
      fill(element, problemView(error, () => void load()));
    }
  }

  /** @param {any} version */
  function row(version) {
    const [state, kind] = version.active ? ["Active", "running"] : STATES[version.state] ?? [version.state, "idle"];
    return h("li", { class: version.active ? "active" : "" },
      h("div", { class: "version-head" },
        h("strong", null, `Version ${version.number}`),
        h("span", { class: `state ${kind}` }, h("i", { class: "dot" }), state),
        h("span", { class: "faint" }, runtimeName(version.runtime)),
        h("time", { class: "faint", datetime: version.created_at, title: version.created_at }, ago(version.created_at)),
        h("code", { class: "faint digest", title: `SHA-256 of its archive: ${version.artifact}` }, version.artifact.slice(0, 12)),
        !version.active && version.state === "ready" && h("button", {
          type: "button", onclick: () => back(version.number),
        }, icon("back"), `Go to version ${version.number}`)),
      version.reason && h("p", { class: "reason" }, version.reason),
      version.build_log
        ? h("details", { open: version.state === "failed" }, h("summary", null, "Build log"), h("pre", { tabindex: "0" }, version.build_log))
        : h("p", { class: "faint small" }, "Its build said nothing."));
  }

  /** @param {number} number */
  function back(number) {
    ask({
      title: `Go to version ${number}?`,
      text: "It is started and answers a check first; requests that run are finished by the version that has them.",
      button: `Go to version ${number}`, busy: "Starting it…",
      act: async () => {
        await rollback(context.record, number);
        toast(`Version ${number} is active`);
        await context.reload();
      },
    });
  }

  void load();
  return element;
}
