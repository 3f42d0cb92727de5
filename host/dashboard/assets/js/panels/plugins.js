// The plugins: what admission found, which are active, and what one in the shadow would do.

import { cast, end } from "../actions/shadow.js";
import { swap } from "../actions/swap.js";
import { attribute, byId, el, state, text } from "../dom.js";
import { byName, count, percent, ratio, NONE } from "../format.js";
import { note } from "../identity.js";
import { rows } from "../rows.js";

const panel = byId("plugins");
const [body, shares] = panel.querySelectorAll("tbody");
const shadow = byId("shadow");
const ending = shadow.querySelector("button");
/** The function in the shadow. */
let shadowed = null;

const STATES = {
  loaded: { kind: "none", glyph: "○", word: "admitted" },
  checking: { kind: "none", glyph: "…", word: "being tried" },
  refused: { kind: "bad", glyph: "✕", word: "refused" },
  out_of_service: { kind: "bad", glyph: "✕", word: "out of service" },
};
/** From the last listed; what is no plugin comes after them. */
const KINDS = ["placement", "hash"];
const ACTIVE = { kind: "good", glyph: "●", word: "active" };
const OUT = { kind: "bad", glyph: "✕", word: "active, out of service" };

const fill = rows(body, { key: (plugin) => `${plugin.kind} ${plugin.name} ${plugin.file}`, create, update });
const fillShadow = rows(shares, { key: ([name]) => name, create: createShare, update: updateShare });
let most = 1;

/** Draws them. */
export function show({ plugins, shadow: its }) {
  shadowed = its?.hash ?? null;
  note(panel, plugins.length ? "" : "There is no plugin in the plugin folders.");
  const order = (a, b) => KINDS.indexOf(b.kind) - KINDS.indexOf(a.kind) || b.active - a.active
    || (b.score ?? -1) - (a.score ?? -1) || byName(String(a.name), String(b.name));
  fill([...plugins].sort(order));
  ending.hidden = !its;
  shadow.querySelector(".scroll").hidden = !its;
  if (its) showShadow(its);
  else note(shadow, "No function is in the shadow. One that is sees every request, and none goes by it.");
}

ending.addEventListener("click", () => end(shadowed));

function create(plugin) {
  const swapping = el("button", { type: "button", class: "small" }, "Swap in …");
  const casting = el("button", { type: "button", class: "small", onclick: () => cast(row.dataset.name) }, "Shadow");
  const row = el("tr", {}, el("th", { scope: "row" }), el("td"), el("td", {}, el("span")),
    el("td", { class: "number" }), el("td", { class: "number" }), el("td", { class: "wide" }), el("td", { class: "does" }, swapping, casting));
  swapping.addEventListener("click", () => swap(row.dataset.kind, row.dataset.name));
  row.dataset.kind = plugin.kind ?? "";
  row.dataset.name = plugin.name ?? "";
  return row;
}

function update(row, { name, kind, file, state: its, active, score, faults, reason, summary }) {
  const [head, decides, status, scored, faulty, does, actions] = row.cells;
  text(head, name ?? file);
  text(decides, kind === "hash" ? "who answers" : kind === "placement" ? "who holds" : NONE);
  state(status.firstChild, active ? (its === "out_of_service" ? OUT : ACTIVE) : STATES[its]);
  text(scored, score === null ? NONE : count(score));
  text(faulty, faults === null ? NONE : count(faults));
  text(does, reason ?? summary ?? "");
  const [swapping, casting] = actions.children;
  swapping.hidden = active || its !== "loaded";
  attribute(swapping, "aria-label", `Swap in ${name} …`);
  casting.hidden = swapping.hidden || kind !== "hash" || name === shadowed;
  attribute(casting, "aria-label", `Cast the shadow of ${name}`);
}

function showShadow({ hash, requests, moved, missed, servers, peak_to_mean: peak, ended }) {
  const share = requests ? percent(moved / requests) : NONE;
  const over = ended ? `; it ended: ${ended}` : "";
  note(shadow, `${hash} saw ${count(requests)} requests and missed ${count(missed)}; it would have sent ${share} elsewhere. `
    + `The busiest server has ${ratio(peak.active)} times its part, and would have ${ratio(peak.shadow)}${over}`);
  const listed = Object.entries(servers).sort(([a], [b]) => byName(a, b));
  most = Math.max(1, ...listed.flatMap(([, its]) => [its.active, its.shadow]));
  fillShadow(listed);
}

function createShare([name]) {
  return el("tr", {}, el("th", { scope: "row" }, name),
    el("td", { class: "bar pair s0", "aria-hidden": "true" }, el("span", {}, el("i")), el("span", {}, el("i"))),
    el("td", { class: "number" }), el("td", { class: "number" }));
}

function updateShare(row, [, its]) {
  const [, bars, active, cast] = row.cells;
  [its.active, its.shadow].forEach((n, i) => { bars.children[i].firstChild.style.inlineSize = `${(100 * n) / most}%`; });
  text(active, count(its.active));
  text(cast, count(its.shadow));
}
