// Requests by server: what each got of late, beside its fair part and its part of the ring.
//
// That is of reads, and of what is forwarded: the hash function deals these. A write goes to each
// replica whatever it says, and is told beside as a number.

import { attribute, byId, el, text } from "../dom.js";
import { byName, many, percent, rate, ratio } from "../format.js";
import { colour, marks, named, note, pointsAt } from "../identity.js";
import { rows } from "../rows.js";

/** How far back shares look. */
const WINDOW_MS = 10_000;

const panel = byId("load");
const body = panel.querySelector("tbody");
const seen = []; // {time, servers by name}, the oldest first
let slots = new Map();
let widest = 1;

const fill = rows(body, { key: ({ server }) => server.name, create, update });
marks(body);

/** Takes the ring, for who owns how much of it. */
export function take({ servers, owned, slots: all }) {
  slots = new Map(servers.map((name, i) => [name, owned[i] / all]));
}

/** Draws it. */
export function show(snapshot) {
  const { servers, time_ms: time } = snapshot;
  seen.push({ time, servers: new Map(servers.map((s) => [s.name, s])) });
  while (seen.length > 2 && seen[1].time <= time - WINDOW_MS) seen.shift();
  const [oldest] = seen;
  const since = (what) => servers.map((s) => Math.max(0, s[what] - (oldest.servers.get(s.name) ?? s)[what]));
  const [got, written] = [since("reads"), since("writes")];
  const sum = (numbers) => numbers.reduce((sum, n) => sum + n, 0);
  const all = sum(got);
  const seconds = (time - oldest.time) / 1000;
  const weight = servers.reduce((sum, s) => sum + s.weight, 0);
  const shares = servers.map((server, i) => ({
    server,
    share: all ? got[i] / all : null,
    writes: seconds ? written[i] / seconds : null,
    fair: weight ? server.weight / weight : 1 / servers.length,
    ring: slots.get(server.name) ?? (slots.size ? 0 : null),
  }));
  widest = Math.max(1e-9, ...shares.flatMap(({ share, fair, ring }) => [share ?? 0, fair, ring ?? 0])) * 1.08;
  const busiest = all ? Math.max(...shares.map(({ share, fair }) => (fair ? share / fair : 0))) : null;
  note(panel, servers.length === 0 ? "There is no server yet."
    : all ? `${rate(all / seconds)} a second over ${many(servers.length, "server")}, writes aside; the busiest has ${ratio(busiest)} times its fair part`
      : "No read or forwarded request reached a server in the last 10 s.");
  const byNames = (a, b) => byName(a.server.name, b.server.name);
  const busiestFirst = (a, b) => (b.share ?? 0) - (a.share ?? 0) || byNames(a, b);
  fill(shares.sort(servers.length > 30 ? busiestFirst : byNames));
}

function create({ server }) {
  const row = el("tr", { "data-server": server.name },
    el("th", { scope: "row" }, named(server)),
    el("td", { class: "bar", "aria-hidden": "true" }, el("span", {}, el("i"), el("b"), el("u"))),
    ...Array.from({ length: 4 }, () => el("td", { class: "number" })));
  pointsAt(row, server.name);
  return row;
}

function update(row, { server, share, fair, ring, writes }) {
  const [head, bar, ...figures] = row.cells;
  attribute(head.querySelector("svg"), "class", `swatch ${colour(server)}`);
  attribute(bar, "class", `bar ${colour(server)}`);
  const [filled, mark, tip] = bar.firstChild.children;
  const along = (part) => `${((100 * (part ?? 0)) / widest).toFixed(1)}%`;
  filled.style.inlineSize = along(share);
  mark.style.left = along(fair);
  tip.style.left = along(ring);
  tip.hidden = ring === null;
  [...[share, fair, ring].map(percent), rate(writes)].forEach((told, i) => text(figures[i], told));
}
