// A stream of server-sent events that comes back by itself, and tells while it is lost.

/** Nothing for so long, and it is taken to be lost: a machine that vanished does not say so. */
const SILENCE_MS = 6000;

/** The pause before a stream that was refused is asked for again. */
const AGAIN_MS = 1000;

/**
 * Follows `url`. `heard` maps names of events to what takes their data; `live` and `lost` are
 * called when the stream changes. `beats` says whether something must come all the time.
 */
export function follow(url, { heard, live = () => {}, lost = () => {}, beats = false }) {
  let source = null;
  let silence = null;
  let isLive = null;
  let last = null;

  function tell(now) {
    if (now === isLive) return;
    isLive = now;
    (now ? live : lost)();
  }

  function alive() {
    tell(true);
    clearTimeout(silence);
    if (beats) silence = setTimeout(again, SILENCE_MS);
  }

  function again() {
    clearTimeout(silence);
    source?.close();
    source = null;
    tell(false);
    setTimeout(open, AGAIN_MS);
  }

  function open() {
    if (source !== null || document.hidden) return;
    const from = last === null ? url : `${url.split("?")[0]}?after=${encodeURIComponent(last)}`;
    source = new EventSource(from);
    source.onopen = () => beats || alive();
    // A browser tries again by itself only where the connection broke, not where it was refused.
    source.onerror = again;
    if (beats) silence = setTimeout(again, SILENCE_MS);
    for (const [name, take] of Object.entries(heard)) {
      source.addEventListener(name, (event) => {
        if (event.lastEventId) last = event.lastEventId;
        alive();
        take(JSON.parse(event.data));
      });
    }
  }

  // A browser has few connections to one host: a tab that nobody sees leaves them to the others.
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) return open();
    clearTimeout(silence);
    source?.close();
    source = null;
  });
  open();
}
