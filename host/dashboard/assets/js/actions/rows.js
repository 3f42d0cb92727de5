// A row written.

import { send } from "../api.js";
import { ask, field, toast } from "../dialog.js";
import { el } from "../dom.js";

/** What is a number as it stands; a key beyond what the language counts to goes as a text. */
const NUMBER = /^-?\d+(\.\d+)?$/;
const NUMBERS = ["Number", "Integer", "Float"];

/** Asks for a row of the schema, and writes it. */
export async function write({ columns }) {
  if (!columns.length) return toast("There is no table yet: POST /init sets it up");
  const fields = columns.map(([name, dtype], i) => field(name, i ? dtype : `${dtype}, the key`,
    el("input", { name, required: true, autocomplete: "off", inputmode: NUMBERS.includes(dtype) ? "decimal" : "text" })));
  const done = await ask({
    title: "Write a row",
    note: "It is acknowledged once it is on disk on every replica in sync. Whoever reaches the balancer may write rows: "
      + "a token is wanted only for what changes the cluster.",
    fields,
    action: "Write it",
    submit: (data) => send("POST", "write", { data: [row(columns, data)] }),
  });
  if (done) toast(done.message);
}

function row(columns, data) {
  return Object.fromEntries(columns.map(([name, dtype]) => [name, value(data.get(name), dtype)]));
}

/** What was typed, as the column wants it; what does not fit is for the balancer to refuse. */
function value(typed, dtype) {
  const words = String(typed).trim();
  if (dtype === "Boolean" && (words === "true" || words === "false")) return words === "true";
  if (NUMBERS.includes(dtype) && NUMBER.test(words) && Math.abs(Number(words)) <= Number.MAX_SAFE_INTEGER) return Number(words);
  return words;
}
