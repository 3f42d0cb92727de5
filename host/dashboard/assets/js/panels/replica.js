// A replica that is not in sync: how far it is, and how far a copy to it.

import { attribute, el } from "../dom.js";
import { count } from "../format.js";

/** More than this is not said of a copy under way: rows come that were not counted. */
const MOST = 0.99;

/** Up to which VAT it has everything, where that is known. */
const at = (how) => (how?.vat === null || how?.vat === undefined ? "" : `, at ${count(how.vat)}`);

/** One whose server does not answer. */
export const away = (how) => ({ kind: "bad", glyph: "✕", word: `away${at(how)}` });

/** One that lacks writes, or all; `part` is how much of it is copied. */
export function behind(how) {
  const its = { kind: "warn", glyph: "↻" };
  if (!how?.copying) return { ...its, word: `behind${at(how)}` };
  const [rows, expected] = how.copying;
  if (!expected) return { ...its, word: `copying, ${count(rows)} rows so far` };
  const part = Math.min(MOST, rows / expected);
  return { ...its, part, word: `copying ${Math.floor(100 * part)} %` };
}

/** A bar of how much is copied; hidden where no part is given. */
export function progress(part, shard, server) {
  const bar = el("progress", { max: 1000 });
  copied(bar, part, shard, server);
  return bar;
}

/** Brings such a bar up to date. */
export function copied(bar, part, shard, server) {
  attribute(bar, "hidden", part === undefined);
  if (part === undefined) return;
  attribute(bar, "aria-label", `Copy of ${shard} to ${server}`);
  attribute(bar, "value", Math.round(1000 * part));
}
