// Requests to the balancer, with the token where it wants one.

import { askForToken } from "./token.js";

const KEY = "ringwright.token";

/** What the balancer refused, in its words. */
export class Refusal extends Error {
  constructor(status, message) {
    super(message.replace(/^<Error> /, ""));
    this.status = status;
  }
}

/**
 * Sends a payload and answers what came. Where the token is wanted it is asked for, and kept for
 * this tab alone; who does not give it gets `null`.
 */
export async function send(method, path, payload) {
  for (;;) {
    const token = sessionStorage.getItem(KEY);
    const answer = await exchange(method, path, payload, token);
    if (answer.status !== 401) return taken(answer);
    sessionStorage.removeItem(KEY);
    const given = await askForToken(token === null ? "" : "The balancer did not take that token.");
    if (given === null) return null;
    sessionStorage.setItem(KEY, given);
  }
}

async function exchange(method, path, payload, token) {
  const headers = { "content-type": "application/json", accept: "application/json" };
  if (token !== null) headers.authorization = `Bearer ${token}`;
  try {
    return await fetch(path, { method, headers, body: JSON.stringify(payload) });
  } catch {
    throw new Refusal(0, "The balancer does not answer.");
  }
}

async function taken(answer) {
  if (answer.ok) return answer.json().catch(() => null);
  throw await refusal(answer);
}

/** What an answer says that is a refusal. */
export async function refusal(answer) {
  const body = await answer.json().catch(() => null);
  return new Refusal(answer.status, body?.message ?? `The balancer answered ${answer.status}.`);
}
