// A list that has elements only for the rows that are seen: a thousand functions, a hundred thousand lines.

/** @typedef {(index: number) => HTMLElement} MakeRow */

const OVERSCAN = 6;
const MOST_AT_ONCE = 12;

class VirtualList extends HTMLElement {
  constructor() {
    super();
    this.count = 0;
    this.rowHeight = 24;
    /** @type {MakeRow} */
    this.makeRow = () => document.createElement("div");
    /** @type {Map<number, HTMLElement>} */
    this.rows = new Map();
    this.isWaiting = false;
    this.draw = this.draw.bind(this);
    this.whenScrolled = () => {
      if (this.isWaiting) return;
      this.isWaiting = true;
      requestAnimationFrame(this.draw);
    };
  }

  connectedCallback() {
    document.addEventListener("scroll", this.whenScrolled, { capture: true, passive: true });
    addEventListener("resize", this.whenScrolled);
    this.draw();
  }

  disconnectedCallback() {
    document.removeEventListener("scroll", this.whenScrolled, { capture: true });
    removeEventListener("resize", this.whenScrolled);
  }

  /**
   * @param {number} count
   * @param {number} rowHeight in pixels
   * @param {MakeRow} makeRow
   */
  show(count, rowHeight, makeRow) {
    this.count = count;
    this.rowHeight = rowHeight;
    this.makeRow = makeRow;
    for (const row of this.rows.values()) row.remove();
    this.rows.clear();
    this.draw();
  }

  /**
   * More rows behind those that are there.
   * @param {number} count
   */
  grow(count) {
    this.count = count;
    this.draw();
  }

  draw() {
    this.isWaiting = false;
    const height = `${this.count * this.rowHeight}px`;
    if (this.style.height !== height) this.style.setProperty("height", height);
    if (!this.isConnected) return;
    const top = this.getBoundingClientRect().top;
    const frame = this.scroller ? this.scroller.getBoundingClientRect() : { top: 0, bottom: innerHeight };
    const first = Math.max(0, Math.floor((frame.top - top) / this.rowHeight) - OVERSCAN);
    const last = Math.min(this.count, Math.ceil((frame.bottom - top) / this.rowHeight) + OVERSCAN);
    for (const [index, row] of this.rows) {
      // Who is in a row by keyboard stays there.
      if ((index < first || index >= last) && !row.contains(document.activeElement)) {
        row.remove();
        this.rows.delete(index);
      }
    }
    // Rows that stand side by side come into the page together; many new ones in several frames, so that none is late.
    let batch = document.createDocumentFragment();
    let made = 0;
    for (let index = first; index <= last; index++) {
      const known = this.rows.get(index);
      if (known || index === last || made === MOST_AT_ONCE) {
        const isOver = made === MOST_AT_ONCE && index < last;
        if (isOver) this.whenScrolled();
        if (batch.childElementCount) this.insertBefore(batch, known ?? this.following(index - 1));
        if (isOver) return;
        batch = document.createDocumentFragment();
        continue;
      }
      made += 1;
      const row = this.makeRow(index);
      row.style.setProperty("transform", `translateY(${index * this.rowHeight}px)`);
      row.style.setProperty("height", `${this.rowHeight}px`);
      this.rows.set(index, row);
      batch.append(row);
    }
  }

  /** The row behind that one that is there, so that the keyboard and a screen reader go through them in their order. */
  following(/** @type {number} */ index) {
    let next = Infinity;
    for (const other of this.rows.keys()) if (other > index && other < next) next = other;
    return this.rows.get(next) ?? null;
  }

  /** What scrolls it; the page, unless it stands in something that scrolls. */
  get scroller() {
    return this.closest("[data-scrolls]");
  }
}

customElements.define("virtual-list", VirtualList);

export const virtualList = () => /** @type {VirtualList} */ (document.createElement("virtual-list"));
