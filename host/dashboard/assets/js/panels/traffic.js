// Throughput and the time to answer, of the last five minutes.

import { attribute, byId, el, text } from "../dom.js";
import { duration, many, rate } from "../format.js";
import { note } from "../identity.js";
import { plot } from "./plot.js";

/** How far back it looks. */
const WINDOW_MS = 300_000;
/** What little is known is not drawn narrower than so much time. */
const LEAST_MS = 60_000;
/** Rows of the table, and how far apart they are. */
const EVERY_MS = 30_000;

const panel = byId("traffic");
const [rates, latencies] = ["rate", "latency"].map((name) => panel.querySelector(`[data-plot=${name}]`));
const body = panel.querySelector("tbody");
let samples = [];

/** Takes what was measured before the page was there; a balancer that began anew knows less. */
export function take(history) {
  const first = history[0]?.time_ms ?? Infinity;
  samples = [...samples.filter((sample) => sample.time_ms < first), ...history];
  draw();
}

/** Draws it with what was measured since. */
export function show(snapshot) {
  const { traffic } = snapshot;
  if (traffic && traffic.time_ms !== samples.at(-1)?.time_ms) samples.push(traffic);
  const from = snapshot.time_ms - WINDOW_MS;
  samples = samples.filter((sample) => sample.time_ms >= from);
  draw(snapshot.time_ms);
}

function draw(now = Date.now()) {
  note(panel, samples.length ? "" : "Nothing has been measured yet.");
  const known = now - (samples[0]?.time_ms ?? now);
  const span = { from: now - Math.min(WINDOW_MS, Math.max(LEAST_MS, known)), to: now };
  const line = (name, kind, of) => ({ name, kind, points: samples.map((s) => [s.time_ms, of(s)]) });
  plot(rates, { ...span, unit: rate, series: [
    line("", "first", (s) => s.requests_per_s),
    line("errors", "fault", (s) => s.errors_per_s || null),
  ], area: true });
  plot(latencies, { ...span, unit: duration, series: [
    line("p99", "first", (s) => s.p99_s),
    line("p95", "second", (s) => s.p95_s),
    line("p50", "third", (s) => s.p50_s),
  ] });
  tell(samples.at(-1));
  if (panel.querySelector("details").open) table(now);
}

function tell(last) {
  if (!last) return;
  const [throughput, latency] = panel.querySelectorAll("figcaption");
  const most = Math.max(...samples.map((s) => s.requests_per_s));
  const slowest = Math.max(...samples.map((s) => s.p99_s ?? 0));
  caption(throughput, "Requests a second", `${rate(last.requests_per_s)} now`);
  caption(latency, "Time to answer", `p50 ${duration(last.p50_s)}, p95 ${duration(last.p95_s)}, p99 ${duration(last.p99_s)}`);
  attribute(rates, "aria-label", `Requests a second: ${rate(last.requests_per_s)} now, `
    + `${rate(most)} at most in ${many(samples.length, "second")}`);
  attribute(latencies, "aria-label", `Time to answer: median ${duration(last.p50_s)}, `
    + `95th percentile ${duration(last.p95_s)}, 99th ${duration(last.p99_s)} now, at most ${duration(slowest)}`);
}

function caption(node, title, figures) {
  if (!node.firstElementChild) node.replaceChildren(el("span", {}, title), el("b"));
  text(node.lastElementChild, figures);
}

function table(now) {
  const wanted = [];
  for (let at = now; at > now - WINDOW_MS; at -= EVERY_MS) {
    const sample = samples.findLast((s) => s.time_ms <= at && s.time_ms > at - EVERY_MS);
    if (sample) wanted.push(line(sample, now));
  }
  body.replaceChildren(...wanted);
}

function line(sample, now) {
  const { time_ms: time, requests_per_s: requests, p50_s: p50, p95_s: p95, p99_s: p99 } = sample;
  const figures = [rate(requests), ...[p50, p95, p99].map(duration)];
  const ago = el("th", { scope: "row" }, `${Math.round((now - time) / 1000)} s`);
  return el("tr", {}, ago, ...figures.map((figure) => el("td", { class: "number" }, figure)));
}

panel.querySelector("details").addEventListener("toggle", () => draw());
new ResizeObserver(() => draw()).observe(rates);
