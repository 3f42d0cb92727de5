// Server-sent events, read from the body of an answer.

/**
 * Takes the events of a body as they come, by name, id and data, until it ends. `alive` is called
 * for whatever comes: one that has nothing to tell sends comments.
 */
export async function read(body, { take, alive }) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    alive();
    const whole = (rest + value).split("\n\n");
    rest = whole.pop();
    for (const event of whole.map(parse)) if (event.data !== undefined) take(event);
  }
}

function parse(lines) {
  const event = {};
  for (const line of lines.split("\n")) {
    const [, field, value] = line.match(/^(\w+): ?(.*)$/) ?? []; // a comment has no name
    if (field) event[field] = value;
  }
  return event;
}
