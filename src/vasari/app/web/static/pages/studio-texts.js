// Texts of the studio's scripts, which the template holds in data attributes; `{name}` is filled in.

const holder = document.getElementById("texts").dataset;

export function text(name, values = {}) {
  return holder[name].replace(/\{(\w+)\}/g, (whole, key) => values[key] ?? whole);
}

/** An element with properties, attributes (by `attributes`) and children. */
export function made(tag, { attributes = {}, ...properties } = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** Seconds as people read them: 0.42 s, 12 s, 3:07 min. */
export function duration(seconds) {
  if (seconds < 10) return `${seconds.toFixed(seconds < 1 ? 2 : 1)} s`;
  if (seconds < 60) return `${Math.ceil(seconds)} s`;
  return `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")} min`;
}
