// The servers: live, suspect or dead, and what may be done about each.

import { kill, remove } from "../actions/servers.js";
import { attribute, byId, el, state, text } from "../dom.js";
import { byName, count } from "../format.js";
import { colour, marks, named, note, pointsAt, stateOf } from "../identity.js";
import { rows } from "../rows.js";

const panel = byId("servers");
const body = panel.querySelector("tbody");
let demo = false;

const fill = rows(body, { key: (server) => server.name, create, update });
marks(body);

/** Draws them. */
export function show(snapshot) {
  demo = snapshot.demo;
  note(panel, snapshot.servers.length ? "" : "There is no server yet. Add one, or POST /init sets a whole cluster up.");
  const worstFirst = { dead: 0, suspect: 1, live: 2 };
  const order = (a, b) => worstFirst[a.state] - worstFirst[b.state] || byName(a.name, b.name);
  fill([...snapshot.servers].sort(snapshot.servers.length > 30 ? order : (a, b) => byName(a.name, b.name)));
}

function create(server) {
  const { name } = server;
  const killing = el("button", { type: "button", class: "small", onclick: () => kill(name), "aria-label": `Kill ${name}` }, "Kill");
  const removing = el("button", { type: "button", class: "small", onclick: () => remove(name), "aria-label": `Remove ${name}` }, "Remove");
  const row = el("tr", { "data-server": name },
    el("th", { scope: "row" }, named(server)), el("td", {}, el("span")), el("td", { class: "number" }),
    el("td"), el("td", { class: "does" }, killing, removing));
  pointsAt(row, name);
  return row;
}

function update(row, server) {
  const [head, status, weight, labels, actions] = row.cells;
  attribute(head.querySelector("svg"), "class", `swatch ${colour(server)}`);
  state(status.firstChild, stateOf(server));
  text(weight, count(server.weight));
  const told = Object.entries(server.labels).map(([key, value]) => `${key} ${value}`);
  if (labels.dataset.told !== told.join()) {
    labels.dataset.told = told.join();
    labels.replaceChildren(...told.map((label) => el("span", { class: "tag" }, label)));
  }
  actions.firstChild.hidden = !demo || server.state === "dead";
}
