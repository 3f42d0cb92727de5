// The page as a whole: one stream of snapshots, one of events, and who draws what of them.

import { write } from "./actions/rows.js";
import { add } from "./actions/servers.js";
import { byId, text } from "./dom.js";
import { clock } from "./format.js";
import * as events from "./panels/events.js";
import * as load from "./panels/load.js";
import * as plugins from "./panels/plugins.js";
import * as ring from "./panels/ring.js";
import * as servers from "./panels/servers.js";
import * as shards from "./panels/shards.js";
import * as summary from "./panels/summary.js";
import * as traffic from "./panels/traffic.js";
import { follow } from "./stream.js";
import { themes } from "./theme.js";

const panels = [summary, servers, shards, ring, load, traffic, plugins];
let now = { servers: [], shards: [], columns: [] };
let since = null;
let followsEvents = false;

function show(snapshot) {
  now = snapshot;
  since = Date.now();
  for (const panel of panels) panel.show(snapshot);
  const { version, epoch, hash, placement } = snapshot;
  text(byId("about"), `Ringwright ${version}, epoch ${epoch}; ${hash} hashes, ${placement} places`);
}

function live() {
  document.body.classList.remove("is-lost");
  byId("lost").hidden = true;
  text(byId("live"), "Live");
}

function lost() {
  document.body.classList.add("is-lost");
  const words = since === null ? "The balancer does not answer." : `The connection is lost: this is how it was at ${clock(since)}.`;
  text(byId("lost"), `${words} It is tried again.`);
  byId("lost").hidden = false;
  text(byId("live"), "Lost");
}

function takeRing(now) {
  ring.take(now);
  load.take(now);
}

function followEvents({ kinds }) {
  if (followsEvents) return;
  followsEvents = true;
  const heard = Object.fromEntries(kinds.map((kind) => [kind, events.take]));
  follow("events?last=100", { heard: { ...heard, gap: events.gap, reset: events.reset }, live: () => events.quiet("Nothing has happened yet.") });
}

follow("dashboard/live", {
  heard: { hello: followEvents, history: traffic.take, ring: takeRing, snapshot: show },
  live,
  lost,
  beats: true,
});
themes(byId("theme"));
byId("write-row").addEventListener("click", () => write(now));
byId("add-server").addEventListener("click", () => add(now));
