// Dialogs: a form, a fault told within it, and a promise of what came of it.

import { el, text } from "./dom.js";

let asked = 0;

/**
 * Shows a form. `submit` takes its data and answers what the dialog is to end with; what it throws
 * is told, and the form stays. Ends with `null` where it is closed. Focus goes back by itself.
 */
export function ask({ title, note = "", fields = [], action, submit }) {
  return new Promise((done) => {
    asked += 1; // one may stand over another
    const heading = el("h2", { id: `asked-${asked}` }, title);
    const fault = el("p", { class: "fault", role: "alert" });
    const go = el("button", { type: "submit", class: "primary" }, action);
    const close = el("button", { type: "button", onclick: () => dialog.close() }, "Cancel");
    const explained = note ? el("p", { class: "note" }, note) : null;
    const buttons = el("div", { class: "buttons" }, close, go);
    const form = el("form", { onsubmit: sent }, heading, explained, ...fields, fault, buttons);
    const dialog = el("dialog", { "aria-labelledby": heading.id }, form);
    let outcome = null;

    async function sent(event) {
      event.preventDefault();
      text(fault, "");
      go.disabled = true;
      try {
        outcome = await submit(new FormData(form));
        if (outcome !== null) dialog.close();
      } catch (error) {
        text(fault, error.message);
      }
      go.disabled = false;
    }

    dialog.addEventListener("close", () => {
      dialog.remove();
      done(outcome);
    });
    document.body.append(dialog);
    dialog.showModal();
    (form.querySelector("input, select") ?? close).focus();
  });
}

/** A field with its label and a hint. */
export function field(label, hint, input) {
  return el("label", {}, el("span", {}, label), hint ? el("small", {}, hint) : null, input);
}

let forgotten = null;

/** Says that something was done. */
export function toast(message) {
  const node = document.getElementById("toast");
  text(node, message);
  clearTimeout(forgotten);
  forgotten = setTimeout(() => text(node, ""), 6000);
}
