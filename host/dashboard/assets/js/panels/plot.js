// Lines over time.

import { svg } from "../dom.js";

/** Room for what the lines are called, and for the axis beneath. */
const RIGHT = 46;
const BELOW = 20;
const ABOVE = 22;
/** Room for a time. */
const ROOM = 90;
/** How far apart times are told, in seconds. */
const STEPS_S = [15, 30, 60, 120];
/** Samples further apart have nothing between them. */
const GAP_MS = 5000;

/** Draws series of points of time and value; a value that is not known leaves a gap. */
export function plot(node, { from, to, unit, series, area = false }) {
  const { width, height } = node.getBoundingClientRect();
  if (!width) return;
  const most = nice(Math.max(0, ...series.flatMap(({ points }) => points.map(([, value]) => value ?? 0))));
  const x = (time) => ((time - from) / (to - from)) * (width - RIGHT);
  const y = (value) => ABOVE + (1 - value / most) * (height - ABOVE - BELOW);
  const parts = [0, 0.5, 1].map((part) => part * most);
  const grid = parts.map((value) => svg("line", { class: "grid", x1: 0, x2: width - RIGHT, y1: y(value), y2: y(value) }));
  const ticks = parts.slice(1).map((value) => svg("text", { class: "tick", x: 0, y: y(value) - 4 }, unit(value)));
  const drawn = series.flatMap(({ kind, points }) => lines(kind, points, area, { x, y }));
  const apart = parseFloat(getComputedStyle(node).fontSize);
  node.setAttribute("viewBox", `0 0 ${width} ${height}`);
  node.replaceChildren(...grid, ...times({ from, to, x, width, height }), ...drawn, ...ticks,
    ...names(series, { y, width, height, apart }));
}

/** How long ago, as often as there is room to say. */
function times({ from, to, x, width, height }) {
  const room = (to - from) / Math.max(1, Math.floor(width / ROOM)) / 1000;
  const step = STEPS_S.find((seconds) => seconds >= room) ?? STEPS_S.at(-1);
  const told = (ago) => (ago % 60 ? `−${ago} s` : `−${ago / 60} min`);
  const count = Math.floor((to - from) / 1000 / step);
  return Array.from({ length: count }, (_, i) => (i + 1) * step)
    .map((ago) => svg("text", { class: "tick", x: x(to - ago * 1000), y: height - 4 }, told(ago)));
}

function lines(kind, points, area, { x, y }) {
  const known = points.filter(([, value]) => value !== null && value !== undefined);
  if (!known.length) return [];
  let d = "";
  let before = -Infinity;
  for (const [time, value] of known) {
    d += `${time - before > GAP_MS ? "M" : "L"}${x(time).toFixed(1)} ${y(value).toFixed(1)}`;
    before = time;
  }
  const line = svg("path", { class: `line ${kind}`, d });
  if (!area || kind !== "first") return [line];
  const ground = `L${x(before).toFixed(1)} ${y(0)}L${x(known[0][0]).toFixed(1)} ${y(0)}z`;
  return [svg("path", { class: "area", d: d + ground }), line];
}

/** Their names where they end, none over another. */
function names(series, { y, width, height, apart }) {
  const ends = series.filter(({ name }) => name).map(({ name, points }) => ({ name, value: points.at(-1)?.[1] ?? null }));
  const known = ends.filter(({ value }) => value !== null).sort((a, b) => b.value - a.value);
  let last = -Infinity;
  const placed = known.map(({ name, value }) => {
    last = Math.max(y(value) + 4, last + apart);
    return { name, at: last };
  });
  // Those pushed beneath the axis push back.
  for (let i = placed.length - 1, most = height - BELOW + 4; i >= 0; i -= 1, most -= apart) placed[i].at = Math.min(placed[i].at, most);
  return placed.map(({ name, at }) => svg("text", { class: "name", x: width - RIGHT + 6, y: at }, name));
}

/** The next figure that reads well: 1, 2 or 5 and noughts. */
function nice(most) {
  if (most <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(most));
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= most) ?? most;
}
