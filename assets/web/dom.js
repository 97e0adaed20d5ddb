// Making and changing what the page shows. Text goes in as text, never as markup; an element is touched only where what it
// says has changed, so that a busy market costs a phone little and a reader's place is not lost.

import { UNKNOWN, grouped, magnitude, sign } from "./format.js";

export const byId = (id) => document.getElementById(id);

/** An element: `h("button", {class: "quiet", onclick: f}, "Text", other)`. Fields with `on` in front are listeners. */
export function h(tag, fields = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(fields)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, String(value));
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function dress(element, classes) {
  if (element.className !== classes) element.className = classes;
}

export function show(element, visible) {
  if (element.hidden === visible) element.hidden = !visible;
}

const WORDS = { "1": ["▲", "up "], "-1": ["▼", "down "] };

/** A figure with a direction: ▲ 72.00, ▼ 13.00, 0.00, --. The word for readers that can't see the arrow stands with it. */
export function moved(element, text, places = 2, unit = "") {
  const way = sign(text);
  const said = way === null ? UNKNOWN : grouped(magnitude(text), places) + unit;
  const key = `${way}${said}`;
  if (element.dataset.shown === key) return;
  element.dataset.shown = key;
  element.classList.toggle("up", way === 1);
  element.classList.toggle("down", way === -1);
  const [arrow, word] = WORDS[way] ?? ["", ""];
  if (arrow) element.replaceChildren(h("span", { "aria-hidden": "true", class: "arrow" }, `${arrow} `), h("span", { class: "unseen" }, word), said);
  else element.replaceChildren(said);
}

/** A quantity with its sign: +300, -150. */
export function held(element, text) {
  const way = sign(text);
  say(element, way === null ? UNKNOWN : (way === 1 ? "+" : "") + grouped(text));
  element.classList.toggle("up", way === 1);
  element.classList.toggle("down", way === -1);
}

/**
 * The rows of a list: one element a key, made once, changed where it is, moved only where the order changed. `make` gives
 * `{element, update(item)}`.
 */
export function keyed(parent, make) {
  const rows = new Map();
  return (items, keyOf) => {
    const wanted = new Set();
    let place = parent.firstElementChild;
    for (const item of items) {
      const key = keyOf(item);
      wanted.add(key);
      let row = rows.get(key);
      if (!row) {
        row = make(item);
        rows.set(key, row);
      }
      row.update(item);
      if (row.element === place) place = place.nextElementSibling;
      else parent.insertBefore(row.element, place);
    }
    for (const [key, row] of rows) {
      if (!wanted.has(key)) {
        row.element.remove();
        rows.delete(key);
      }
    }
    return rows;
  };
}

let toasting = 0;

/** A line at the foot of the page, read out; `bad` stays longer. */
export function toast(text, bad = false) {
  const place = byId("toast");
  say(place, text);
  dress(place, bad ? "toast bad" : "toast");
  show(place, true);
  clearTimeout(toasting);
  toasting = setTimeout(() => show(place, false), bad ? 10000 : 5000);
}
