// Rows of a table, of which only those in sight are in the page: a thousand draw like ten.

import { attribute, el } from "./dom.js";

/** Beneath so many, all are there. */
const ALL = 60;
/** Rows above and below those in sight. */
const SPARE = 8;

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
  let height = 0;

  function range() {
    if (items.length <= ALL) return [0, items.length];
    height ||= body.querySelector("tr:not(.space)")?.offsetHeight ?? 32;
    const first = Math.max(0, Math.floor(scroller.scrollTop / height) - SPARE);
    return [first, Math.min(items.length, first + Math.ceil(scroller.clientHeight / height) + 2 * SPARE)];
  }

  function draw() {
    const [first, end] = range();
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
