// The state of the whole, in one sentence and four figures.

import { attribute, byId, el, text } from "../dom.js";
import { NONE, count, duration, many, rate } from "../format.js";

const tiles = byId("tiles");
const TILES = ["Servers", "Shards", "Requests/s", "p99"];
const figures = TILES.map((name) => {
  const figure = el("dd");
  const more = el("dd", { class: "note" });
  tiles.append(el("div", {}, el("dt", {}, name), figure, more));
  return { figure, more };
});

/** Draws it. */
export function show(snapshot) {
  const { kind, words } = headline(snapshot);
  const heading = byId("headline");
  text(heading, words);
  attribute(heading, "class", kind);
  const [servers, shards, requests, slowest] = figures;
  const states = tally(snapshot.servers);
  text(servers.figure, count(snapshot.servers.length));
  text(servers.more, said(states, ["live", "suspect", "dead"]));
  const health = tally(snapshot.shards);
  text(shards.figure, count(snapshot.shards.length));
  text(shards.more, said(health, ["whole", "under-replicated", "read-only", "unavailable"]));
  const traffic = snapshot.traffic;
  text(requests.figure, rate(traffic?.requests_per_s));
  text(requests.more, traffic ? `${rate(traffic.errors_per_s)} errors/s` : "not measured yet");
  text(slowest.figure, duration(traffic?.p99_s));
  text(slowest.more, traffic ? `p50 ${duration(traffic.p50_s)}` : NONE);
}

function headline({ in_charge: inCharge, configured, servers, shards }) {
  const { unavailable, "read-only": readOnly, "under-replicated": under } = tally(shards);
  const { dead = 0, suspect = 0 } = tally(servers);
  if (!inCharge) return { kind: "bad", words: "This balancer is not in charge" };
  if (unavailable) return { kind: "bad", words: `${many(unavailable, "shard")} cannot be read or written` };
  if (readOnly) return { kind: "bad", words: `${many(readOnly, "shard")} cannot be written` };
  if (under) return { kind: "warn", words: `All data is served; ${many(under, "shard")} under-replicated` };
  if (dead || suspect) return { kind: "warn", words: `${many(dead + suspect, "server")} not answering` };
  if (configured) return { kind: null, words: "All replicas are in sync" };
  return { kind: null, words: servers.length ? "Servers, and no database yet" : "No cluster yet" };
}

function tally(things) {
  const found = {};
  for (const { state } of things) found[state] = (found[state] ?? 0) + 1;
  return found;
}

function said(found, states) {
  const there = states.filter((state) => found[state]);
  return there.length ? there.map((state) => `${found[state]} ${state}`).join(", ") : NONE;
}
