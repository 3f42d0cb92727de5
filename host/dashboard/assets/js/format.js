// Figures as people read them.

const whole = new Intl.NumberFormat("en");
const tenths = new Intl.NumberFormat("en", { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const brief = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });

/** What stands where nothing is known. */
export const NONE = "–";

/** A whole number. */
export const count = (n) => whole.format(n);

/** A number of any size, in little room. */
export const compact = (n) => (n === null ? NONE : brief.format(n));

/** Requests a second. */
export const rate = (n) => (n === null || n === undefined ? NONE : n < 10 ? tenths.format(n) : whole.format(Math.round(n)));

/** A share of 0 to 1. */
export const percent = (share) => (share === null || share === undefined ? NONE : `${tenths.format(share * 100)} %`);

/** A ratio. */
export const ratio = (n) => (n === null || n === undefined ? NONE : n.toFixed(2));

/** A time in seconds. */
export function duration(seconds) {
  if (seconds === null || seconds === undefined) return NONE;
  if (seconds < 0.001) return `${Math.round(seconds * 1e6)} µs`;
  const three = (n) => Number(n.toPrecision(3));
  return seconds < 1 ? `${three(seconds * 1e3)} ms` : `${three(seconds)} s`;
}

/** So many bytes. */
export function bytes(n) {
  if (n === null || n === undefined) return NONE;
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  const power = n < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(n) / 10));
  return `${power === 0 ? n : (n / 1024 ** power).toFixed(1)} ${units[power]}`;
}

/** So many of something. */
export const many = (n, one, more = `${one}s`) => `${count(n)} ${n === 1 ? one : more}`;

const clockTime = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });

/** Words as a sentence. */
export const sentence = (words) => `${words[0].toUpperCase()}${words.slice(1)}${words.endsWith(".") ? "" : "."}`;

/** The time of day. */
export const clock = (time) => clockTime.format(new Date(time));

/** Names in the order of people: Server2 before Server10. */
export const byName = new Intl.Collator("en", { numeric: true }).compare;
