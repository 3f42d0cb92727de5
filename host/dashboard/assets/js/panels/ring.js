// The ring: arcs in their owners' colours, the virtual nodes within, and a hand to ask with.

import { attribute, byId, el, svg, text } from "../dom.js";
import { compact, count, many, percent } from "../format.js";
import { colour, note, onPointed, pointAt } from "../identity.js";

const RADIUS = 92;
const panel = byId("ring");
const dial = panel.querySelector("svg");
const readout = panel.querySelector("[data-readout]");

let ring = null;
let ids = new Map();
let hand = null; // a slot

/** Takes a ring, as it changes. */
export function take(now) {
  ring = now;
  hand = null;
  redraw();
}

/** Takes note of the servers, whose colours go by their numbers. */
export function show(snapshot) {
  const told = snapshot.servers.map((server) => `${server.name} ${server.id}`).join();
  if (ids.told !== told) {
    ids = new Map(snapshot.servers.map((server) => [server.name, server]));
    ids.told = told;
    redraw();
  }
}

function redraw() {
  if (!ring) return note(panel, "Waiting for the ring …");
  const { servers, slots, points, arcs, virtual_nodes: virtual } = ring;
  if (!servers.length) {
    note(panel, "No server answers, so nobody owns a slot.");
    return dial.replaceChildren(svg("circle", { class: "rim", r: RADIUS }));
  }
  const part = ring.sampled ? `, drawn from ${count(ring.sampled)} of them` : "";
  const laid = `${many(servers.length, "server")} on ${count(slots)} slots with ${many(virtual, "virtual node")}`;
  note(panel, `${ring.hash} lays ${laid}${part}`);
  attribute(dial, "aria-valuemax", slots - 1);
  const paths = servers.map((name) => ({ name, arc: "", node: "" }));
  let from = 0;
  for (const [end, server] of arcs) {
    paths[server].arc += arc(from, end + 1);
    from = end + 1;
  }
  for (const [slot, server] of points) paths[server].node += spoke(slot + 0.5, 74, 82);
  const drawn = paths.map(({ name, arc: d, node }) => svg("g", { class: colour(ids.get(name) ?? { id: 1 }), "data-server": name },
    svg("path", { class: "arc", d: d || "M0 0" }), svg("path", { class: "node", d: node || "M0 0" })));
  // So many that they would run together are thinner.
  dial.style.setProperty("--node", Math.min(1.4, Math.max(0.05, 300 / points.length)));
  const ticks = ["middle", "start", "middle", "end"].map((anchor, quarter) => {
    const slot = Math.round((quarter / 4) * slots);
    const [x, y] = at(slot, quarter % 2 ? 102 : 105);
    return svg("text", { class: "tick", x, y, "text-anchor": anchor }, compact(slot));
  });
  dial.replaceChildren(svg("circle", { class: "rim", r: 78 }), ...drawn, ...ticks, svg("path", { class: "hand", d: "" }));
  tell();
}

/** Where a slot is, so far from the middle; slot 0 is at the top, and they go clockwise. */
function at(slot, radius) {
  const angle = (slot / ring.slots) * 2 * Math.PI;
  return [(Math.sin(angle) * radius).toFixed(2), (-Math.cos(angle) * radius).toFixed(2)];
}

function arc(from, end) {
  if (end - from >= ring.slots) return `M0 ${-RADIUS}A${RADIUS} ${RADIUS} 0 1 1 -.01 ${-RADIUS}`;
  const far = end - from > ring.slots / 2 ? 1 : 0;
  return `M${at(from, RADIUS).join(" ")}A${RADIUS} ${RADIUS} 0 ${far} 1 ${at(end, RADIUS).join(" ")}`;
}

const spoke = (slot, near, far) => `M${at(slot, near).join(" ")}L${at(slot, far).join(" ")}`;

/** The first of `sorted` that is not before `slot`. */
function firstFrom(sorted, slot) {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle][0] < slot) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Who owns a slot, and by which virtual node. */
function owner(slot) {
  const at = ring.arcs[firstFrom(ring.arcs, slot)] ?? ring.arcs.at(-1);
  const point = ring.points.length ? ring.points[firstFrom(ring.points, slot) % ring.points.length] : null;
  return { name: ring.servers[at[1]], node: point && ring.servers[point[1]] === ring.servers[at[1]] ? point[2] : null };
}

function tell() {
  const { servers, slots, owned } = ring;
  if (hand === null) {
    attribute(dial, "aria-valuenow", 0);
    attribute(dial, "aria-valuetext", "no slot is pointed at");
    say(many(servers.length, "server"), `${count(slots)} slots`);
    attribute(dial.querySelector(".hand"), "d", "");
    return;
  }
  const { name, node } = owner(hand);
  const share = percent(owned[servers.indexOf(name)] / slots);
  const by = node === null ? "" : `virtual node ${node}`;
  attribute(dial, "aria-valuenow", hand);
  attribute(dial, "aria-valuetext", `slot ${hand}: ${name}${by ? `, ${by}` : ""}, which owns ${share} of the ring`);
  attribute(dial.querySelector(".hand"), "d", spoke(hand + 0.5, 60, 101));
  say(name, `slot ${count(hand)}`, by, `owns ${share}`);
}

function say(title, ...more) {
  readout.replaceChildren(el("strong", {}, title), ...more.filter(Boolean).map((line) => el("span", {}, line)));
}

function point(slot) {
  if (!ring?.servers.length) return;
  hand = slot;
  tell();
  pointAt(slot === null ? null : owner(slot).name);
}

dial.addEventListener("pointermove", (event) => {
  if (!ring) return;
  const box = dial.getBoundingClientRect();
  const x = event.clientX - box.left - box.width / 2;
  const y = event.clientY - box.top - box.height / 2;
  const turn = (Math.atan2(x, -y) / (2 * Math.PI) + 1) % 1;
  point(Math.min(ring.slots - 1, Math.floor(turn * ring.slots)));
});
dial.addEventListener("pointerleave", () => point(null));
dial.addEventListener("blur", () => point(null));
dial.addEventListener("keydown", (event) => {
  if (!ring?.servers.length) return;
  const now = hand ?? 0;
  const { arcs, slots } = ring;
  const here = firstFrom(arcs, now);
  const moves = {
    // From arc to arc; a slot at a time would be half a thousand keys around.
    ArrowRight: () => (arcs[here][0] + 1) % slots,
    ArrowUp: () => (arcs[here][0] + 1) % slots,
    ArrowLeft: () => (here > 0 ? arcs[here - 1][0] : slots - 1),
    ArrowDown: () => (here > 0 ? arcs[here - 1][0] : slots - 1),
    PageUp: () => (now + Math.ceil(slots / 16)) % slots,
    PageDown: () => (now - Math.ceil(slots / 16) + slots) % slots,
    Home: () => 0,
    End: () => slots - 1,
  };
  if (!(event.key in moves)) return;
  event.preventDefault();
  point(moves[event.key]());
});

onPointed((name) => {
  for (const group of dial.querySelectorAll("g")) {
    group.classList.toggle("is-dim", name !== null && group.dataset.server !== name);
  }
  if (!ring || hand !== null) return;
  const server = ring.servers.indexOf(name);
  if (server < 0) return tell();
  say(name, `owns ${percent(ring.owned[server] / ring.slots)}`, many(ring.owned[server], "slot"));
});
