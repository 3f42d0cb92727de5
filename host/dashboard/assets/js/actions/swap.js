// A plugin swapped, after its bill was seen.

import { Refusal, send } from "../api.js";
import { ask, toast } from "../dialog.js";
import { el } from "../dom.js";
import { byName, bytes, count, many, percent, ratio } from "../format.js";

const NOTES = {
  hash: "The next request goes by it, and none is lost.",
  placement: "The swap itself moves nothing. This is what it would move if it were asked to rebalance now.",
};

/** As many lines of a bill are shown. */
const LINES = 200;

/** Works out what a swap would change, shows it, and asks whether it is to be. */
export async function swap(kind, name) {
  let bill;
  try {
    const answer = await send("PUT", "plugins/active", { [kind]: name, dry_run: true });
    if (answer === null) return;
    bill = answer.message[kind];
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return toast(`${name}: ${error.message}`);
  }
  const done = await ask({
    title: `Swap ${bill.from} for ${name}?`,
    note: NOTES[kind],
    fields: [el("div", { class: "bill" }, ...(kind === "hash" ? ofHash(bill) : ofPlacement(bill)))],
    action: `Swap to ${name}`,
    submit: () => send("PUT", "plugins/active", { [kind]: name }),
  });
  if (done) toast(`${name} is active`);
}

function ofHash({ ids, moved, peak_to_mean: peak, servers }) {
  const sorted = Object.entries(servers).sort(([a], [b]) => byName(a, b));
  const lines = sorted.map(([server, { before, after }]) => [server, percent(before), percent(after)]);
  return [
    figures([
      ["Requests that move", percent(moved)],
      ["Busiest now", `${ratio(peak?.before)} × its part`],
      ["Busiest then", `${ratio(peak?.after)} × its part`],
    ]),
    el("p", { class: "note" }, `Worked out over ${count(ids)} request ids.`),
    table(["Server", "Share now", "Share then"], lines),
  ];
}

function ofPlacement({ moves, bytes: size }) {
  const lines = moves.map(({ shard, from, to, reason }) => [shard, from ?? "a new copy", to, reason]);
  return [
    figures([["Copies that would move", count(moves.length)], ["To be copied", bytes(size)]]),
    moves.length ? table(["Shard", "From", "To", "Why"], lines) : el("p", { class: "note" }, "Nothing would move."),
  ];
}

function figures(pairs) {
  return el("dl", {}, ...pairs.map(([name, figure]) => el("div", {}, el("dt", {}, name), el("dd", {}, figure))));
}

function table(heads, lines) {
  const row = ([first, ...rest]) => el("tr", {}, el("th", { scope: "row" }, first), ...rest.map((cell) => el("td", {}, cell)));
  const shown = lines.slice(0, LINES).map(row);
  const more = lines.length > LINES ? el("p", { class: "note" }, `and ${many(lines.length - LINES, "more line")}`) : null;
  const head = el("tr", {}, ...heads.map((name) => el("th", { scope: "col" }, name)));
  return el("div", {}, el("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "What would change" },
    el("table", {}, el("thead", {}, head), el("tbody", {}, ...shown))), more);
}
