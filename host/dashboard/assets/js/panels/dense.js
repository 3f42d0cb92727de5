// The matrix of many servers as a picture: a column a server, a row a shard.

import { attribute } from "../dom.js";
import { count, many } from "../format.js";

/** A mark is at least so many dots wide and high: to be seen, it may lie over its neighbour. */
const LEAST = 3;

/** Draws it, with the servers in that order; what is not well lies over what is. */
export function draw(canvas, { servers, shards }, order) {
  const column = new Map(order.map((server, at) => [server, at]));
  const marks = shards.flatMap((shard, row) => shard.replicas.map(([server, inSync]) =>
    ({ row, column: column.get(server), state: servers[server].state !== "live" ? "bad" : inSync ? "good" : "warn" })));
  canvas.width = canvas.clientWidth * devicePixelRatio;
  canvas.height = canvas.clientHeight * devicePixelRatio;
  const [wide, high] = [canvas.width / servers.length, canvas.height / shards.length];
  const pen = canvas.getContext("2d");
  for (const state of ["good", "warn", "bad"]) {
    pen.fillStyle = colourOf(canvas, state);
    for (const mark of marks) {
      if (mark.state === state) pen.fillRect(mark.column * wide, mark.row * high, Math.max(wide, LEAST), Math.max(high, LEAST));
    }
  }
  const such = (state) => count(marks.filter((mark) => mark.state === state).length);
  attribute(canvas, "aria-label", `${many(shards.length, "shard")} by ${many(servers.length, "server")}: `
    + `${such("warn")} replicas behind, ${such("bad")} on servers that are away`);
}

/** A colour as the canvas wants it, light or dark. */
function colourOf(canvas, state) {
  canvas.style.color = `var(--${state})`;
  return getComputedStyle(canvas).color;
}
