// The token, asked for. It goes into a header, never into an address.

import { ask, field } from "./dialog.js";
import { el } from "./dom.js";

/** Asks for the token; `null` where none is given. `why` says what was wrong with the last one. */
export function askForToken(why) {
  const input = el("input", { type: "password", name: "token", required: true, autocomplete: "off",
    pattern: "\\s*[!-~]+\\s*", title: "A token is visible ASCII characters." });
  const note = "Whoever changes the cluster shows the balancer’s token. This tab keeps it until it is closed.";
  const wrong = el("p", { class: "fault", role: "alert" }, why);
  return ask({
    title: "The token",
    note,
    fields: [wrong, field("Token", "As it stands in the token file.", input)],
    action: "Go on",
    submit: (data) => String(data.get("token")).trim() || null,
  });
}
