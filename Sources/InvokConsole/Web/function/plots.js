// How a function was called: figures, and how they went over the time.

import { stats } from "../api.js";
import { fill, h, refreshing } from "../dom.js";
import { counted, duration } from "../parts/format.js";
import { problemView } from "../parts/problem.js";

const SVG = "http://www.w3.org/2000/svg";
const [WIDTH, HEIGHT, POINTS] = [600, 72, 60];
const RANGES = /** @type {[string, number][]} */ ([["1 hour", 3600], ["6 hours", 21_600], ["24 hours", 86_400]]);

/** @typedef {{calls: number, errors: number, cold_starts: number, instances: number, p50_ms?: number, p95_ms?: number, p99_ms?: number}} Figures */
/** @typedef {{since: string, until: string, step_seconds: number, total: Figures, points: {time: string, figures: Figures}[]}} Stats */

/** @param {string} name @param {Record<string, string | number>} attributes @param {string} [title] */
function shape(name, attributes, title) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  if (title) {
    const text = document.createElementNS(SVG, "title");
    text.textContent = title;
    element.append(text);
  }
  return element;
}

/** @param {string} label @param {Element[]} shapes */
function plot(label, shapes) {
  const svg = shape("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", class: "plot", role: "img", "aria-label": label });
  svg.append(shape("line", { x1: 0, x2: WIDTH, y1: HEIGHT - 0.5, y2: HEIGHT - 0.5, class: "axis" }), ...shapes);
  return svg;
}

/** @param {string} time */
const clock = (time) => new Date(time).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });

/**
 * @param {Stats} data
 * @param {number} seconds the time that is shown, also where the server has counted for less
 */
function draw(data, seconds) {
  const end = Date.parse(data.until);
  const begin = end - seconds * 1000;
  const step = (data.step_seconds * WIDTH) / seconds;
  const width = Math.max(step - 1.5, 1.5);
  // The last part is not over yet.
  const at = (/** @type {string} */ time) => Math.min(((Date.parse(time) - begin) / 1000 / seconds) * WIDTH, WIDTH - width);
  const mostCalls = Math.max(...data.points.map(({ figures }) => figures.calls), 1);
  const slowest = Math.max(...data.points.map(({ figures }) => figures.p95_ms ?? 0), 1);
  const high = HEIGHT - 6;
  const bars = data.points.flatMap(({ time, figures }) => {
    const [all, bad] = [figures.calls, figures.errors].map((count) => (count / mostCalls) * high);
    const title = `${clock(time)}: ${counted(figures.calls, "call")}, ${counted(figures.errors, "error")}`;
    return [
      shape("rect", { x: at(time), width, y: HEIGHT - all, height: all, class: "calls" }, title),
      ...(bad ? [shape("rect", { x: at(time), width, y: HEIGHT - bad, height: bad, class: "errors" }, title)] : []),
    ];
  });
  const marks = data.points.flatMap(({ time, figures }) => (figures.p50_ms === undefined || figures.p95_ms === undefined ? [] : [
    shape("line", {
      x1: at(time) + width / 2, x2: at(time) + width / 2, y1: HEIGHT - (figures.p95_ms / slowest) * high,
      y2: HEIGHT - (figures.p50_ms / slowest) * high + 1, "stroke-width": width, class: "spread",
    }, `${clock(time)}: p50 ${duration(figures.p50_ms)}, p95 ${duration(figures.p95_ms)}`),
  ]));
  const { total } = data;
  const times = h("div", { class: "plot-times faint" }, h("span", null, clock(new Date(begin).toISOString())), h("span", null, clock(data.until)));
  return [
    h("h3", null, `Calls, ${counted(mostCalls, "one", "at most")} in ${data.step_seconds / 60} min`),
    plot(`${counted(total.calls, "call")} and ${counted(total.errors, "error")} from ${clock(data.since)} to ${clock(data.until)}`, bars),
    times,
    h("h3", null, `Time taken, from p50 to p95; ${duration(slowest)} at most`),
    plot(`p50 ${duration(total.p50_ms ?? 0)} and p95 ${duration(total.p95_ms ?? 0)}`, marks),
    times.cloneNode(true),
  ];
}

/** @param {Figures} total */
function figures(total) {
  const share = total.calls ? ` (${((100 * total.errors) / total.calls).toFixed(1)} %)` : "";
  const time = (/** @type {number | undefined} */ value) => (value === undefined ? "–" : duration(value));
  const all = [
    ["Calls", total.calls.toLocaleString("en")], ["Errors", total.errors.toLocaleString("en") + share],
    ["p50", time(total.p50_ms)], ["p95", time(total.p95_ms)], ["p99", time(total.p99_ms)],
    ["Cold starts", total.cold_starts.toLocaleString("en")],
  ];
  return h("dl", { class: "figures" }, ...all.map(([term, value]) => h("div", null, h("dt", null, term), h("dd", null, value))));
}

/** @param {{uuid: string, name: string}} key */
export function plots(key) {
  let seconds = RANGES[0][1];
  const body = h("div");
  const choices = RANGES.map(([text, length]) => h("button", {
    type: "button", class: "quiet", "aria-pressed": String(length === seconds),
    onclick: () => {
      seconds = length;
      RANGES.forEach(([, each], index) => choices[index].setAttribute("aria-pressed", String(each === length)));
      void load();
    },
  }, text));

  async function load() {
    try {
      const data = /** @type {Stats} */ (await stats(key, new Date(Date.now() - seconds * 1000).toISOString(), POINTS));
      fill(body, figures(data.total), ...(data.points.length ? draw(data, seconds) : [
        h("p", { class: "empty small" }, "Nobody has called it in that time."),
      ]));
    } catch (error) {
      fill(body, problemView(error, () => void load()));
    }
  }

  const element = h("section", { class: "card usage" },
    h("div", { class: "card-head" }, h("h2", null, "Calls"), h("div", { role: "toolbar", "aria-label": "Time" }, ...choices)), body,
    h("p", { class: "hint" }, "What this server has counted since it started, for a day at most."));
  refreshing(element, 10_000, load);
  return element;
}
