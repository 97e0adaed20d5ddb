// How figures become text. Prices and money come as decimal text and stay decimal: a sum is made of whole numbers, and a
// float only where something is drawn. Unknown is --, never 0. A direction is an arrow and a word before it is a colour.

export const UNKNOWN = "--";
const DECIMAL = /^-?\d+(\.\d+)?$/;

/** Whether this is a decimal as the engine writes it. */
export const isDecimal = (text) => typeof text === "string" && DECIMAL.test(text);

/** Digits after the point. */
export const decimals = (text) => (isDecimal(text) && text.includes(".") ? text.length - text.indexOf(".") - 1 : 0);

/** `-1234.5` to `-1,234.50`: thousands parted, at least `places` digits after the point. */
export function grouped(text, places = 0) {
  if (!isDecimal(text)) return UNKNOWN;
  const [whole, part = ""] = text.replace("-", "").split(".");
  const tail = part.padEnd(places, "0");
  return (text.startsWith("-") ? "-" : "") + whole.replace(/\B(?=(\d{3})+$)/g, ",") + (tail ? `.${tail}` : "");
}

/** -1, 0 or 1; null where it is not known. */
export function sign(text) {
  if (!isDecimal(text)) return null;
  if (/^-?0+(\.0+)?$/.test(text)) return 0;
  return text.startsWith("-") ? -1 : 1;
}

const scaled = (text, places) => {
  const [whole, part = ""] = text.split(".");
  return BigInt(whole + part.padEnd(places, "0"));
};

const plain = (value, places) => {
  const digits = (value < 0n ? -value : value).toString().padStart(places + 1, "0");
  const cut = digits.length - places;
  return (value < 0n ? "-" : "") + digits.slice(0, cut) + (places ? `.${digits.slice(cut)}` : "");
};

/** The exact sum; null where one of them is not known. */
export function sum(all) {
  if (!all.every(isDecimal)) return null;
  const places = Math.max(0, ...all.map(decimals));
  return plain(all.reduce((total, one) => total + scaled(one, places), 0n), places);
}

/** `a - b`, exactly; null where one is not known. */
export function difference(a, b) {
  if (!isDecimal(a) || !isDecimal(b)) return null;
  const places = Math.max(decimals(a), decimals(b));
  return plain(scaled(a, places) - scaled(b, places), places);
}

/** By how many percent `now` lies from `before`, two digits, cut by rounding half away from zero; null where not known. */
export function percent(now, before) {
  const moved = difference(now, before);
  if (moved === null || sign(before) !== 1) return null;
  const places = Math.max(decimals(moved), decimals(before));
  const [part, whole] = [scaled(moved, places) * 10000n, scaled(before, places)];
  const half = part < 0n ? -whole / 2n : whole / 2n;
  return plain((part + half) / whole, 2);
}

/** How large, without its sign. */
export const magnitude = (text) => (isDecimal(text) ? text.replace("-", "") : text);

/** A number to draw with, or null. */
export const drawn = (text) => (isDecimal(text) ? Number(text) : null);

const two = (number) => String(number).padStart(2, "0");

/** Milliseconds of an RFC 3339 time, or null. */
export function moment(text) {
  const at = typeof text === "string" ? Date.parse(text) : NaN;
  return Number.isNaN(at) ? null : at;
}

/** The wall clock here: `22:19:57`. */
export function clock(at) {
  if (at === null) return UNKNOWN;
  const date = new Date(at);
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** With the day, where it is not today's: `11-26 22:19`. */
export function when(text) {
  const at = moment(text);
  if (at === null) return UNKNOWN;
  const date = new Date(at);
  if (date.toDateString() === new Date().toDateString()) return clock(at);
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${two(date.getHours())}:${two(date.getMinutes())}`;
}

/** `0:08`, `12:40`, `3 h`, `2 d`. */
export function age(at, now) {
  if (at === null) return UNKNOWN;
  const seconds = Math.max(0, Math.floor((now - at) / 1000));
  if (seconds < 3600) return `${Math.floor(seconds / 60)}:${two(seconds % 60)}`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86400)} d`;
}
