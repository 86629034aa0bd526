// A project from this machine: a folder or an archive, dropped or chosen.

import { deploy } from "../api.js";
import { fill, h, icon } from "../dom.js";
import { go } from "../router.js";
import { unzip, zip } from "../zip.js";
import { size } from "./format.js";
import { problemView, sentence } from "./problem.js";
import { toast } from "./toast.js";

/** What every machine makes for itself, and what looks like somebody's own secrets: as `invok deploy` leaves it out. */
const LEFT_OUT = [
  /(^|\/)(\.git|\.hg|\.svn|__pycache__|\.venv|venv|\.mypy_cache|\.pytest_cache|\.DS_Store|__MACOSX)(\/|$)/,
  /(^|\/)node_modules\/\.bin(\/|$)/,
  /(^|\/)(\.env(\..*)?|\.npmrc|\.pypirc|\.netrc|id_(rsa|dsa|ecdsa|ed25519)|.*\.(pem|key|p12|pfx))$/,
  /(^|\/)(\.aws|\.ssh|\.gnupg)(\/|$)/,
];
const MOST_BYTES = 200_000_000;

export function uploadArea() {
  const report = h("div", { "aria-live": "polite" });
  const folder = h("input", { type: "file", webkitdirectory: true, multiple: true, class: "hidden-file", "aria-label": "Choose a folder" });
  const archive = h("input", { type: "file", accept: ".zip,application/zip", class: "hidden-file", "aria-label": "Choose a zip archive" });
  const area = h("div", { class: "drop" },
    icon("upload"),
    h("p", null, "Drop a project’s folder or zip here to deploy it, or choose ",
      h("label", { class: "link" }, folder, "a folder"), " or ", h("label", { class: "link" }, archive, "a zip"), "."),
    report);

  async function take(/** @type {() => Promise<{path: string, content: Uint8Array}[]>} */ read) {
    try {
      fill(report, h("p", { class: "busy" }, "Reading…"));
      await send(await read(), report);
    } catch (error) {
      fill(report, problemView(error));
    }
  }
  folder.addEventListener("change", () => void take(() => fromList([...folder.files])));
  archive.addEventListener("change", () => void take(() => unzip(archive.files[0])));
  area.addEventListener("dragover", (event) => {
    event.preventDefault();
    area.classList.add("over");
  });
  area.addEventListener("dragleave", () => area.classList.remove("over"));
  area.addEventListener("drop", (event) => {
    event.preventDefault();
    area.classList.remove("over");
    // Entries are gone once this function has returned.
    const entries = [...(event.dataTransfer?.items ?? [])].map((item) => item.webkitGetAsEntry()).filter(Boolean);
    const file = event.dataTransfer?.files[0];
    void take(async () => {
      if (entries.length === 1 && entries[0]?.isFile && file?.name.endsWith(".zip")) return unzip(file);
      return fromList((await Promise.all(entries.map((entry) => walk(entry, "")))).flat());
    });
  });
  return area;
}

/** @param {any} entry @param {string} prefix @returns {Promise<any[]>} files that know their path */
async function walk(entry, prefix) {
  const path = `${prefix}${entry.name}`;
  if (LEFT_OUT.some((pattern) => pattern.test(path))) return [];
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    Object.defineProperty(file, "webkitRelativePath", { value: path });
    return [file];
  }
  const reader = entry.createReader();
  const found = [];
  // A reader gives a part at a time.
  for (let part; (part = await new Promise((resolve, reject) => reader.readEntries(resolve, reject))).length;) found.push(...part);
  return (await Promise.all(found.map((each) => walk(each, `${path}/`)))).flat();
}

/** @param {File[]} files */
async function fromList(files) {
  const kept = files.filter((file) => !LEFT_OUT.some((pattern) => pattern.test(file.webkitRelativePath || file.name)));
  const bytes = kept.reduce((sum, file) => sum + file.size, 0);
  if (bytes > MOST_BYTES) throw new Error(`These are ${size(bytes)}, which is more than a browser should pack; use “invok deploy”.`);
  return Promise.all(kept.map(async (file) => ({
    path: file.webkitRelativePath || file.name, content: new Uint8Array(await file.arrayBuffer()),
  })));
}

/** @param {{path: string, content: Uint8Array}[]} files @param {HTMLElement} report */
async function send(files, report) {
  const config = files.filter((file) => /(^|\/)config\.json$/.test(file.path)).sort((one, other) => one.path.length - other.path.length)[0];
  if (!config) {
    throw Object.assign(new Error("There is no config.json in it. A project has one with its function_name and runtime."));
  }
  const root = config.path.slice(0, -"config.json".length);
  let name = "";
  try {
    name = JSON.parse(new TextDecoder().decode(config.content)).function_name;
  } catch {
    throw new Error("Its config.json is not JSON.");
  }
  if (typeof name !== "string") throw new Error("Its config.json names no function: add \"function_name\".");
  const inside = files.filter((file) => file.path.startsWith(root))
    .map((file) => ({ ...file, path: file.path.slice(root.length) }))
    .sort((one, other) => (one.path < other.path ? -1 : 1));
  const archive = await zip(inside);
  fill(report, h("p", { class: "busy" }, sentence(`Deploying ${name} (${inside.length} files, ${size(archive.size)})…`)));
  const done = await deploy(name, archive);
  toast(`${done.name} version ${done.version} is active`);
  go("function", done.uuid, done.name);
}
