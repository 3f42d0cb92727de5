// The page as a whole: one stream of snapshots, one of events, and who draws what of them.

import { write } from "./actions/rows.js";
import { add } from "./actions/servers.js";
import { byId, text } from "./dom.js";
import { clock, sentence } from "./format.js";
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
  // Where this one was lost the events may be too, which have nothing to tell for hours.
  followEvents();
}

function lost({ status, message }) {
  document.body.classList.add("is-lost");
  const then = since === null ? "" : `This is how it was at ${clock(since)}.`;
  const why = status === 0 && since !== null ? "The connection is lost." : sentence(message);
  text(byId("lost"), [why, then, "It is tried again."].filter(Boolean).join(" "));
  byId("lost").hidden = false;
  text(byId("live"), status === 0 ? "Lost" : "Refused");
}

function takeRing(now) {
  ring.take(now);
  load.take(now);
}

/** Begins with the events, or anew. */
let followEvents = () => {
  const { gap, lost, quiet, reset, take } = events;
  followEvents = follow("events?last=100", { heard: (name) => ({ gap, reset })[name] ?? take, live: quiet, lost });
};

const heard = { history: traffic.take, ring: takeRing, snapshot: show };
follow("dashboard/live", { heard: (name) => heard[name], live, lost, beats: true });
themes(byId("theme"));
byId("write-row").addEventListener("click", () => write(now));
byId("add-server").addEventListener("click", () => add(now));
