// A hash function put into the shadow of the active one, and taken out of it.

import { Refusal, send } from "../api.js";
import { toast } from "../dialog.js";

/** Has a function see every request, and routes none by it. */
export const cast = (name) => tell(name, `${name} is in the shadow`, () => send("PUT", "plugins/shadow", { hash: name }));

/** Ends that. */
export const end = (name) => tell(name, `${name} is in the shadow no more`, () => send("DELETE", "plugins/shadow"));

async function tell(name, words, change) {
  try {
    if (await change()) toast(words);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    toast(`${name}: ${error.message}`);
  }
}
