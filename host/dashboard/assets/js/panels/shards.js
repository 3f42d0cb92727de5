// Shards × servers: who holds which shard, in which state, up to which VAT.
//
// Few servers make a matrix. Of many each shard holds only some: then each row lists its replicas,
// and the matrix is drawn as a picture.

import { attribute, byId, el, state, text } from "../dom.js";
import { byName, count, many } from "../format.js";
import { away, behind, copied, progress } from "./replica.js";
import { named, note } from "../identity.js";
import { rows } from "../rows.js";
import { draw } from "./dense.js";

/** The most servers that are columns. */
const COLUMNS = 10;

const panel = byId("shards");
const head = panel.querySelector("thead");
const body = panel.querySelector("tbody");
const canvas = panel.querySelector("canvas");
let servers = [];
let order = [];
let columns = null;

const HEALTH = {
  whole: { kind: "good", glyph: "✓", word: "whole" },
  "under-replicated": { kind: "warn", glyph: "▲", word: "under-replicated" },
  "read-only": { kind: "bad", glyph: "▼", word: "read-only" },
  unavailable: { kind: "bad", glyph: "✕", word: "unavailable" },
};

const fill = rows(body, { key: (shard) => `${columns} ${shard.id}`, create, update });

/** Draws them. */
export function show(snapshot) {
  servers = snapshot.servers;
  order = servers.map((_, i) => i).sort((a, b) => byName(servers[a].name, servers[b].name));
  const isMatrix = servers.length <= COLUMNS;
  const wanted = isMatrix ? order.map((i) => servers[i].name).join("\n") : "list";
  if (columns !== wanted) {
    columns = wanted;
    heads(isMatrix);
  }
  const { shards } = snapshot;
  note(panel, shards.length ? (isMatrix ? "" : `${many(shards.length, "shard")} on ${many(servers.length, "server")}`)
    : "There is no shard yet: POST /init sets them up.");
  canvas.hidden = isMatrix || shards.length === 0;
  if (!canvas.hidden) draw(canvas, snapshot, order);
  const worst = { unavailable: 0, "read-only": 1, "under-replicated": 2, whole: 3 };
  fill(isMatrix ? shards : [...shards].sort((a, b) => worst[a.state] - worst[b.state]));
}

function heads(isMatrix) {
  const names = isMatrix ? order.map((i) => el("th", { scope: "col" }, named(servers[i]))) : [el("th", { scope: "col" }, "Replicas")];
  head.replaceChildren(el("tr", {}, el("th", { scope: "col" }, "Shard"), el("th", { scope: "col" }, "State and VAT"), ...names));
}

function create(shard) {
  const cells = columns === "list" ? [el("td", { class: "chips" })] : order.map(() => el("td", { class: "cell" }, el("span"), progress()));
  return el("tr", {}, el("th", { scope: "row" }, shard.id, el("small", {}, keys(shard))),
    el("td", {}, el("span"), el("small")), ...cells);
}

/** The keys it holds, where these are a range. */
const keys = ({ low, high }) => (low === null ? "" : `${low}–${high}`);

function update(row, shard) {
  const [, status, ...cells] = row.cells;
  state(status.firstChild, HEALTH[shard.state]);
  text(status.lastChild, `VAT ${count(shard.vat)}`);
  const held = new Map(shard.replicas.map((replica) => [replica[0], replica]));
  if (columns !== "list") {
    cells.forEach((cell, i) => matrix(cell, shard, order[i], held.get(order[i])));
    return;
  }
  const chips = shard.replicas.map((its) => [servers[its[0]].name, replica(its, shard)]);
  const told = JSON.stringify(chips);
  if (cells[0].dataset.told === told) return;
  cells[0].dataset.told = told;
  const word = (name, its) => (its.kind === "good" ? name : `${name} ${its.word}`);
  cells[0].replaceChildren(...chips.flatMap(([name, its]) => {
    const chip = state(el("span"), { ...its, word: word(name, its) });
    return its.part === undefined ? [chip] : [chip, progress(its.part, shard.id, name)];
  }));
}

function matrix(cell, shard, server, held) {
  const its = held === undefined ? { kind: "none", glyph: "·", word: "" } : replica(held, shard);
  attribute(cell, "class", `cell ${its.kind}`);
  state(cell.firstChild, its);
  copied(cell.lastChild, its.part, shard.id, servers[server].name);
  attribute(cell, "aria-label", its.word ? null : "no copy");
}

/** A replica as it is shown; what is in sync holds the shard up to its VAT. */
function replica([server, inSync, how], shard) {
  if (servers[server].state !== "live") return away(how);
  return inSync ? { kind: "good", glyph: "✓", word: count(shard.vat) } : behind(how);
}
