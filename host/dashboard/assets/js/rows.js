// Rows of a table, of which only those in sight are in the page: a thousand draw like ten.

import { attribute, el } from "./dom.js";

/** Beneath so many, all are there. */
const ALL = 60;
/** Rows above and below those in sight. */
const SPARE = 8;
/** What a row is taken to be high until one is there to be measured. */
const GUESS = 32;
/** Rows that differ by no more are equally high: the list must not move for that. */
const SAME = 0.02;

/**
 * Fills a table's body. `key` tells one item from another, `create` makes its row and `update`
 * brings that up to date. Answers what takes the items.
 */
export function rows(body, { key, create, update }) {
  const scroller = body.closest(".scroll");
  const above = space();
  const below = space();
  const made = new Map();
  let items = [];
  let height = GUESS;

  function range(top) {
    if (items.length <= ALL) return [0, items.length];
    const most = Math.ceil(scroller.clientHeight / height) + 2 * SPARE;
    const first = Math.max(0, Math.min(items.length - most, Math.floor(top / height) - SPARE));
    return [first, Math.min(items.length, first + most)];
  }

  function draw() {
    fill(scroller.scrollTop);
    if (items.length <= ALL) return;
    const high = measured();
    if (!high || Math.abs(high - height) <= SAME * height) return;
    // They are higher or lower than they were, and the same ones are to be in sight.
    const top = (scroller.scrollTop * high) / height;
    height = high;
    fill(top);
    scroller.scrollTop = top;
  }

  /** How high the rows in the page are, one with another; 0 where they are not shown. */
  function measured() {
    const [first, last] = [above.node.nextSibling, below.node.previousSibling];
    return (last.getBoundingClientRect().bottom - first.getBoundingClientRect().top) / made.size;
  }

  /** Puts the rows into the page that are in sight where the list is scrolled so far. */
  function fill(top) {
    const [first, end] = range(top);
    const wanted = items.slice(first, end);
    const kept = new Set(wanted.map(key));
    for (const [name, row] of made) {
      if (!kept.has(name)) {
        row.remove();
        made.delete(name);
      }
    }
    let before = above.node;
    if (!before.isConnected) body.append(above.node, below.node);
    wanted.forEach((item, i) => {
      const name = key(item);
      if (!made.has(name)) made.set(name, create(item));
      const row = made.get(name);
      update(row, item);
      attribute(row, "aria-rowindex", first + i + 2); // the head is the first
      if (before.nextSibling !== row) before.after(row);
      before = row;
    });
    above.set(first * height);
    below.set((items.length - end) * height);
    attribute(body.closest("table"), "aria-rowcount", items.length + 1);
  }

  // The browser would keep in place what it takes for the same row, and so would we.
  scroller.style.overflowAnchor = "none";
  new ResizeObserver(() => items.length > ALL && draw()).observe(scroller);
  scroller.addEventListener("scroll", () => items.length > ALL && requestAnimationFrame(draw), { passive: true });
  return (now) => {
    items = now;
    draw();
  };
}

/** Room that the rows out of sight would take. */
function space() {
  const cell = el("td", { colspan: 99 });
  const node = el("tr", { class: "space", "aria-hidden": "true", hidden: true }, cell);
  return {
    node,
    set(height) {
      node.hidden = height <= 0;
      cell.style.height = `${height}px`;
    },
  };
}
