// What a function answered, as data: its text, an image, or its HTML in a frame that belongs to no origin.

import { fill, h } from "../dom.js";
import { duration, size } from "./format.js";

const SHOWN = 400_000;

/** @typedef {import("./call.js").Answer} Answer */

/** @param {Answer} answer @param {string} name */
const header = (answer, name) => answer.headers.find((each) => each.name.toLowerCase() === name)?.value ?? "";

export function answerView() {
  const element = h("div", { class: "answer" });
  /** What somebody wanted to see of this answer. */
  let chosen = "";

  return {
    element,
    /** @param {Answer} answer */
    show(answer) {
      const mediaType = header(answer, "content-type").toLowerCase().split(";")[0].trim();
      const canRender = mediaType === "text/html" || mediaType.startsWith("image/");
      const kind = chosen || (canRender && answer.isWhole ? "rendered" : "body");
      const choose = (/** @type {string} */ name, /** @type {string} */ title) => h("button", {
        type: "button", class: "quiet", "aria-pressed": String(kind === name),
        onclick: () => {
          chosen = name;
          this.show(answer);
          /** @type {HTMLElement | null} */ (element.querySelector("[aria-pressed=true]"))?.focus();
        },
      }, title);
      const body = kind === "headers" ? headers(answer) : kind === "rendered" && canRender ? rendered(answer, mediaType) : text(answer, mediaType);
      fill(element,
        h("div", { class: "answer-head", role: "status" },
          h("span", { class: `status s${Math.floor(answer.status / 100)}` }, String(answer.status)),
          answer.isWhole
            ? h("span", { class: "faint" }, `${size(answer.bytes.length)} in ${duration(answer.milliseconds)}`)
            : h("span", { class: "faint busy" }, `${size(answer.bytes.length)} so far…`),
          answer.isWhole && h("span", { class: "faint", title: "Until the answer began, in the server" }, `first byte ${duration(answer.firstMilliseconds)}`),
          h("span", { class: "kinds" }, canRender && choose("rendered", "Rendered"), choose("body", "Body"), choose("headers", `Headers (${answer.headers.length})`))),
        answer.truncated && h("p", { class: "hint" }, `More was sent; the first ${size(answer.bytes.length)} are shown.`),
        body);
    },
    clear() {
      chosen = "";
      element.replaceChildren();
    },
  };
}

/** @param {Answer} answer */
function headers(answer) {
  return h("table", { class: "headers" }, h("tbody", null, ...answer.headers.map((each) =>
    h("tr", null, h("th", { scope: "row" }, each.name), h("td", null, each.value)))));
}

/** @param {Answer} answer @param {string} mediaType */
function text(answer, mediaType) {
  if (!answer.bytes.length) return h("p", { class: "empty small" }, answer.isWhole ? "The body is empty." : "");
  const isText = !answer.bytes.subarray(0, 2000).includes(0);
  if (!isText) return h("pre", { tabindex: "0", class: "hex" }, hex(answer.bytes.subarray(0, 4096)));
  let shown = new TextDecoder().decode(answer.bytes.subarray(0, SHOWN));
  if (answer.isWhole && (mediaType.endsWith("json") && answer.bytes.length < SHOWN)) {
    try {
      shown = JSON.stringify(JSON.parse(shown), null, 2);
    } catch {
      // It says JSON and is none: it stands as it came.
    }
  }
  return h("pre", { tabindex: "0", "aria-label": "Body" }, shown);
}

/** @param {Uint8Array} bytes */
function hex(bytes) {
  const lines = [];
  for (let at = 0; at < bytes.length; at += 16) {
    const row = [...bytes.subarray(at, at + 16)];
    const codes = row.map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
    const characters = row.map((byte) => (byte > 31 && byte < 127 ? String.fromCharCode(byte) : ".")).join("");
    lines.push(`${at.toString(16).padStart(6, "0")}  ${codes.padEnd(47)}  ${characters}`);
  }
  return lines.join("\n");
}

/** @param {Answer} answer @param {string} mediaType */
function rendered(answer, mediaType) {
  if (mediaType.startsWith("image/")) {
    // An image is shown as one whatever is in it: scripts of an SVG do not run here.
    const url = URL.createObjectURL(new Blob([answer.bytes], { type: mediaType }));
    const image = h("img", { src: url, alt: "The image that the function answered with" });
    image.onload = () => URL.revokeObjectURL(url);
    image.onerror = () => image.replaceWith(h("p", { class: "empty small" }, "It says that it is an image, but is none that can be shown."));
    return h("div", { class: "rendered image" }, image);
  }
  // The frame's document has no origin and no network by its own policy; it asks for the page once it is there.
  const frame = /** @type {HTMLIFrameElement & Record<string, any>} */ (h("iframe", {
    class: "rendered", sandbox: "allow-scripts", title: "The page that the function answered with",
    src: new URL("../preview.html", import.meta.url).href, referrerpolicy: "no-referrer",
  }));
  const hand = (/** @type {MessageEvent} */ event) => {
    if (event.source !== frame.contentWindow || event.data !== "ready") return;
    removeEventListener("message", hand);
    frame.contentWindow?.postMessage(new TextDecoder().decode(answer.bytes), "*");
  };
  addEventListener("message", hand);
  return frame;
}
