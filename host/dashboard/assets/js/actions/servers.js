// Servers added, removed and, in a demo, killed.

import { send } from "../api.js";
import { ask, field, toast } from "../dialog.js";
import { el } from "../dom.js";
import { count } from "../format.js";

/** So many shards are offered: of more, who picks some does so better in a payload. */
const OFFERED = 64;

/** Asks for a new server and the shards it is to hold. */
export async function add({ shards }) {
  const name = el("input", { name: "name", required: true, autocomplete: "off" });
  const boxes = shards.slice(0, OFFERED).map(({ id }) => el("label", {}, el("input", { type: "checkbox", name: "shard", value: id }), id));
  const legend = el("legend", {}, "Shards it is to hold; none leaves it to the placement policy");
  const rest = shards.length - boxes.length;
  const more = rest > 0 ? el("small", {}, `and ${count(rest)} more: by /add`) : null;
  const held = boxes.length ? [el("fieldset", {}, legend, ...boxes, more)] : [];
  const done = await ask({
    title: "Add a server",
    note: "It has a full copy of its shards before this is done, while all are served.",
    fields: [field("Name", "Server[5] draws a number.", name), ...held],
    action: "Add it",
    submit: (data) => send("POST", "add", payload(String(data.get("name")).trim(), data.getAll("shard"), shards)),
  });
  if (done) toast(typeof done.message === "string" ? done.message : "The server was added");
}

function payload(name, held, shards) {
  if (!shards.length) return { n: 1, hostnames: [name] };
  if (held.length) return { n: 1, servers: { [name]: held } };
  return { n: 1, servers: { [name]: [] }, place: true };
}

/** Asks whether a server is to go. */
export async function remove(name) {
  const done = await ask({
    title: `Remove ${name}?`,
    note: "What it holds is copied to others first. Its data is deleted.",
    action: `Remove ${name}`,
    submit: () => send("DELETE", "rm", { n: 1, servers: [name] }),
  });
  if (done) toast(`${name} was removed`);
}

/** Asks whether a server is to be killed, as a power cut would. */
export async function kill(name) {
  const done = await ask({
    title: `Kill ${name}?`,
    note: "It ends at once, in the midst of what it does. Heartbeats are missed, a flatline follows, "
      + "and a replacement starts on what its disk still has.",
    action: `Kill ${name}`,
    submit: () => send("POST", "demo/kill", { server: name }),
  });
  if (done) toast(`${name} was killed`);
}
