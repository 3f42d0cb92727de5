// Elements made and changed. What is unchanged is left alone: focus stays, and a screen reader
// is not told again.

const SVG = "http://www.w3.org/2000/svg";

/** An element with attributes and children; `on…` is a listener, `false` and `null` are left out. */
export function el(tag, attributes = {}, ...children) {
  return dress(document.createElement(tag), attributes, children);
}

/** The same of an SVG. */
export function svg(tag, attributes = {}, ...children) {
  return dress(document.createElementNS(SVG, tag), attributes, children);
}

function dress(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else attribute(node, name, value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== false));
  return node;
}

/** Sets or removes an attribute, where it is not so already. */
export function attribute(node, name, value) {
  if (value === null || value === undefined || value === false) node.removeAttribute(name);
  else if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value === true ? "" : value);
}

/** Sets a text, where it is another. */
export function text(node, value) {
  if (node.textContent !== String(value)) node.textContent = value;
}

/** The element of that id. */
export const byId = (id) => document.getElementById(id);

/** A state: a word with its glyph, the colour of which only repeats it. */
export function state(node, { kind, glyph, word }) {
  attribute(node, "class", `state ${kind}`);
  attribute(node, "data-glyph", glyph);
  text(node, word);
  return node;
}
