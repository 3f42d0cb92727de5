// The event log, the newest first.

import { attribute, byId, el } from "../dom.js";
import { clock, sentence } from "../format.js";
import { note } from "../identity.js";

/** As many are kept. */
const MOST = 200;
/** What comes so soon is the past, which is not read out. */
const PAST_MS = 2000;

const panel = byId("events");
const list = panel.querySelector("ol");
const known = new Set();

setTimeout(() => attribute(list, "aria-live", "polite"), PAST_MS);

/** Takes one. */
export function take(event) {
  if (known.has(event.id)) return;
  known.add(event.id);
  note(panel, "");
  list.prepend(line(event));
  while (list.children.length > MOST) {
    known.delete(Number(list.lastChild.dataset.id));
    list.lastChild.remove();
  }
}

/** Forgets all: the log has begun anew, and so have its numbers. */
export function reset() {
  known.clear();
  list.replaceChildren();
}

/** Takes note of events that cannot be had. */
export const gap = ({ message }) => note(panel, message);

/** Says that they are followed, and nothing has happened yet. */
export const quiet = () => note(panel, list.children.length ? "" : "Nothing has happened yet.");

/** Says that they cannot be had now, and why. */
export const lost = ({ message }) => note(panel, `${sentence(message)} It is tried again; what is missed comes then.`);

function line({ id, time, kind, server, shard, plugin, message }) {
  const { state, glyph } = SIGNS[kind] ?? { state: "none", glyph: "·" };
  return el("li", { "data-id": id, "data-kind": kind },
    el("time", { datetime: time }, clock(time)),
    el("span", { class: `state ${state}`, "data-glyph": glyph }, kind.replaceAll("-", " ")),
    el("span", { class: "about" }, [server, shard, plugin].filter(Boolean).join(" · ")),
    el("span", { class: "message" }, message));
}

const bad = { state: "bad", glyph: "✕" };
const warn = { state: "warn", glyph: "▲" };
const good = { state: "good", glyph: "✓" };

/** What kinds mean; another is shown without a sign. */
const SIGNS = {
  "charge-taken": good, "charge-lost": bad, "cluster-initialised": good, "server-added": good,
  "heartbeat-missed": warn, "heartbeat-lost": warn, "heartbeat-back": good, "flatline": bad,
  "respawn-begun": warn, "respawn-failed": bad, "server-back": good,
  "replica-out-of-sync": warn, "replica-in-sync": good, "copy-failed": bad, "copy-done": good,
  "commit-stalled": bad, "commit-resumed": good,
  "plugin-swapped": good, "plugin-out-of-service": bad, "events-dropped": warn,
};
