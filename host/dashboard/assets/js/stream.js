// A stream of server-sent events that comes back by itself, and tells while it is lost, and why.
//
// It is fetched. What browsers have for such streams tells neither why one was refused nor that a
// comment came, which is all that comes of one that has nothing to tell.

import { Refusal, refusal } from "./api.js";
import { read } from "./sse.js";

/** Nothing for so long, and it is taken to be lost: a machine that vanished does not say so. */
const SILENCE_MS = { beats: 6_000, comments: 40_000 };

/** The pause before a stream that was lost is asked for again, and the longest after refusals. */
const AGAIN_MS = 1_000;
const LONGEST_MS = 30_000;

/**
 * Follows `url`. `heard` answers what takes the data of events of a name; `live` is called when
 * it is there, and `lost`, with why, when it is not. `beats` says whether something must come all
 * the time. Answers what begins it anew.
 */
export function follow(url, { heard, live = () => {}, lost = () => {}, beats = false }) {
  let reading = null; // what ends it
  let again = null;
  let silence = null;
  let refused = 0;
  let last = null;
  let told = null; // what was said last: why it is lost, or that it is there

  function is(words, tell) {
    if (words === told) return;
    told = words;
    tell();
  }

  function alive(ends) {
    clearTimeout(silence);
    silence = setTimeout(() => ends.abort(), beats ? SILENCE_MS.beats : SILENCE_MS.comments);
  }

  async function listen(ends) {
    alive(ends);
    const from = last === null ? url : `${url.split("?")[0]}?after=${encodeURIComponent(last)}`;
    // Past the cache, where a request waits for another one of the same address.
    const headers = { accept: "text/event-stream" };
    const answer = await fetch(from, { headers, cache: "no-store", signal: ends.signal });
    if (!answer.ok) throw await refusal(answer);
    refused = 0;
    if (!beats) is("live", live);
    await read(answer.body, {
      alive: () => {
        if (ends !== reading) return; // what comes late is of no use
        alive(ends);
        is("live", live);
      },
      take: ({ id, event, data }) => {
        if (ends !== reading) return;
        if (id) last = id;
        try {
          heard(event)?.(JSON.parse(data));
        } catch (error) {
          reportError(error); // a fault of ours is no loss of the stream
        }
      },
    });
  }

  async function open() {
    stop();
    if (document.hidden) return;
    const ends = new AbortController();
    reading = ends;
    const ended = await listen(ends).catch((error) => error);
    if (ends !== reading) return; // another one took its place, or nobody looks
    stop();
    const why = ended instanceof Refusal ? ended : new Refusal(0, "The balancer does not answer.");
    is(why.message, () => lost(why));
    again = setTimeout(open, pause(why.status));
  }

  /** Those who are refused come back ever later, and not all at once. */
  function pause(status) {
    if (status === 0) return AGAIN_MS;
    refused += 1;
    return Math.min(LONGEST_MS, AGAIN_MS * 2 ** refused) * (0.5 + Math.random() / 2);
  }

  function stop() {
    clearTimeout(silence);
    clearTimeout(again);
    const ends = reading;
    reading = null;
    ends?.abort();
  }

  // A browser has few connections to one host: a tab that nobody sees leaves them to the others.
  document.addEventListener("visibilitychange", () => (document.hidden ? stop() : open()));
  open();
  return open;
}
