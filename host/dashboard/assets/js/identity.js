// Which colour and shape a server has: the same in every panel, for as long as it is in the cluster.

import { attribute, el, svg, text } from "./dom.js";

/** Colours there are; after these the next shape begins. */
const COLOURS = 8;

const SHAPES = [
  "M5 0a5 5 0 1 0 .01 0z",
  "M.6.6h8.8v8.8H.6z",
  "M5 0 10 9.2H0z",
  "M5-.6 10.6 5 5 10.6-.6 5z",
];

/** The class that sets its colour; servers count from 1. */
export const colour = (server) => `s${(server.id - 1) % COLOURS}`;

/** Its name behind its mark. */
export function named(server) {
  const shape = SHAPES[Math.floor((server.id - 1) / COLOURS) % SHAPES.length];
  const mark = svg("svg", { class: `swatch ${colour(server)}`, viewBox: "0 0 10 10", "aria-hidden": "true" }, svg("path", { d: shape }));
  return el("span", {}, mark, server.name);
}

/** The states a server may be in. */
const STATES = {
  live: { kind: "good", glyph: "●", word: "live" },
  suspect: { kind: "warn", glyph: "▲", word: "suspect" },
  dead: { kind: "bad", glyph: "✕", word: "dead" },
};

/** A server's state as it is shown. */
export const stateOf = (server) => STATES[server.state];

let shown = null;
const listeners = [];

/** The server that somebody points at, in whatever panel. */
export function pointAt(name) {
  if (name === shown) return;
  shown = name;
  for (const listener of listeners) listener(name);
}

/** Has `listener` told which server is pointed at, or `null`. */
export function onPointed(listener) {
  listeners.push(listener);
}

/** Has a row point at its server while the pointer or the focus is on it. */
export function pointsAt(row, name) {
  row.addEventListener("pointerenter", () => pointAt(name));
  row.addEventListener("pointerleave", () => pointAt(null));
  row.addEventListener("focusin", () => pointAt(name));
  row.addEventListener("focusout", () => pointAt(null));
}

/** Sets a note beneath a heading. */
export function note(panel, words) {
  text(panel.querySelector("[data-note]"), words);
}

/** Marks the row of the server that is pointed at. */
export function marks(body) {
  onPointed((name) => {
    for (const row of body.rows) attribute(row, "class", name !== null && row.dataset.server === name ? "is-shown" : null);
  });
}
