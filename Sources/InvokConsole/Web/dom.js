// Making and finding elements. Text is always text: nothing here reads HTML.

/**
 * Makes an element. `onclick` and its like are listeners, true and false are attributes without a value, `value` is the
 * property, all else an attribute; null is none.
 * @param {string} tag
 * @param {Record<string, any> | null} [properties]
 * @param {...(Node | string | number | null | undefined | false)} children
 * @returns {HTMLElement & Record<string, any>}
 */
export function h(tag, properties, ...children) {
  const element = /** @type {any} */ (document.createElement(tag));
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (value === null || value === undefined) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (typeof value === "boolean") element.toggleAttribute(name, value);
    else if (name === "value") element.value = value;
    else element.setAttribute(name, String(value));
  }
  add(element, ...children);
  return element;
}

/**
 * @param {Element} parent
 * @param {...(Node | string | number | null | undefined | false)} children
 */
export function add(parent, ...children) {
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue;
    parent.append(typeof child === "number" ? String(child) : child);
  }
}

/**
 * Puts these in place of what is in the element.
 * @param {Element} parent
 * @param {...(Node | string | number | null | undefined | false)} children
 */
export function fill(parent, ...children) {
  parent.replaceChildren();
  add(parent, ...children);
}

const SVG = "http://www.w3.org/2000/svg";

/** The strokes of each icon, on a field of 16 by 16. */
const ICONS = {
  plus: "M8 3v10M3 8h10",
  search: "M7 12A5 5 0 1 0 7 2a5 5 0 0 0 0 10zM11 11l3 3",
  copy: "M6 6h7v7H6zM10 6V3H3v7h3",
  play: "M5 3l8 5-8 5z",
  pause: "M5 3v10M11 3v10",
  back: "M9 3L4 8l5 5",
  next: "M6 3l5 5-5 5",
  upload: "M8 11V3M4.5 6L8 2.5 11.5 6M3 13h10",
  download: "M8 2.5v8M4.5 7.5L8 11l3.5-3.5M3 13.5h10",
  close: "M4 4l8 8M12 4l-8 8",
  check: "M3 8.5l3.5 3.5L13 4.5",
  warning: "M8 2l6.5 11.5h-13zM8 6.5v3M8 11.6v.1",
  lock: "M4 7h8v6H4zM5.5 7V5a2.5 2.5 0 0 1 5 0v2",
  globe: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM2 8h12M8 2c2 2 2.5 4 2.5 6S10 12 8 14c-2-2-2.5-4-2.5-6S6 4 8 2z",
  file: "M4 2h5l3 3v9H4zM9 2v3h3",
};

/**
 * An icon beside words that say the same.
 * @param {keyof typeof ICONS} name
 */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

/** The mark of the product: what is called, and what answers. */
export function mark() {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "mark");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", "M5 4l8 8-8 8M14 20h6");
  svg.append(path);
  return svg;
}

/**
 * Calls `load` at once and then each `milliseconds` while the element is in the page and the page is seen.
 * @param {Element} element
 * @param {number} milliseconds
 * @param {() => Promise<void>} load
 */
export function refreshing(element, milliseconds, load) {
  const tick = async () => {
    if (!document.hidden) await load();
    setTimeout(() => { if (element.isConnected) void tick(); }, milliseconds);
  };
  void tick();
}
