// The watchlist: last, change, the day's shape, what is held. A price that moved is marked for a moment.

import { byId, dress, h, held, keyed, moved, say, show } from "../dom.js";
import { decimals, drawn, grouped, percent, sign, sum } from "../format.js";
import { ask, changed, choose, draws, isShown, last, link, store } from "../store.js";

const FLASH_MS = 450;
const SPARK_BARS = 14;
const SPARK_EVERY = 300000;

const sparks = new Map();
const places = new Map();
let order = localStorage.getItem("tradewind.order") === "change" ? "change" : "symbol";
let list = "";

/** Digits after the point that prices of a symbol have: the most that were seen. */
export function digits(symbol) {
  const quote = store.quotes.get(symbol);
  const now = Math.max(places.get(symbol) ?? 0, ...[quote?.bid, quote?.ask, last(symbol)].map(decimals));
  places.set(symbol, now);
  return now;
}

/** Change since the close of the day before, in percent. */
export const change = (symbol) => percent(last(symbol), store.days.get(symbol)?.previous_close);

const SVG = "http://www.w3.org/2000/svg";

function make(symbol) {
  const name = h("button", { class: "symbol", type: "button", onkeydown: (event) => step(event) }, symbol);
  const price = h("span", { class: "last" });
  const moves = h("td", { class: "n" });
  const pos = h("td", { class: "n" });
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 84 16");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  svg.append(path);
  const row = h("tr", { onclick: () => pick(symbol) }, h("td", {}, name), h("td", { class: "n" }, price), moves, h("td", {}, svg), pos);
  return {
    element: row,
    update() {
      const now = last(symbol);
      const tick = store.lasts.get(symbol);
      say(price, grouped(now, digits(symbol)));
      const fresh = tick && tick.way !== 0 && performance.now() - tick.heard < FLASH_MS;
      const live = (store.quotes.get(symbol)?.quality ?? "live") === "live";
      dress(price, `last${fresh ? (tick.way > 0 ? " rose" : " fell") : ""}${live ? "" : " aged"}`);
      price.title = live ? "" : `this price is ${store.quotes.get(symbol)?.quality}`;
      const moving = change(symbol);
      moved(moves, moving);
      draw(svg, path, symbol, sign(moving));
      const mine = [...store.positions.values()].filter((one) => one.symbol === symbol && isShown(one));
      const quantity = sum(mine.map((one) => one.quantity));
      if (sign(quantity) === 0) say(pos, "");
      else held(pos, quantity);
      if (symbol === store.symbol) row.setAttribute("aria-current", "true");
      else row.removeAttribute("aria-current");
    },
  };
}

/** Columns from the lowest of the stretch. */
function draw(svg, path, symbol, way) {
  const closes = sparks.get(symbol);
  svg.setAttribute("class", `spark ${way === -1 ? "down" : "up"}`);
  if (!closes?.length) return;
  const values = [...closes.slice(0, -1), drawn(last(symbol)) ?? closes.at(-1)];
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const span = high - low || 1;
  const height = (value) => Math.round(2 + (13 * (value - low)) / span);
  const text = values.map((value, at) => `M${at * 6} 16v-${height(value)}h5v${height(value)}z`).join("");
  if (path.getAttribute("d") !== text) path.setAttribute("d", text);
}

function pick(symbol) {
  choose(symbol);
  dispatchEvent(new CustomEvent("picked"));
}

function step(event) {
  const way = { ArrowDown: "nextElementSibling", ArrowUp: "previousElementSibling" }[event.key];
  if (!way) return;
  event.preventDefault();
  event.currentTarget.closest("tr")[way]?.querySelector("button").focus();
}

function symbols() {
  const chosen = store.watchlists.find((one) => one.name === list);
  const all = chosen ? chosen.symbols : [...store.quotes.keys()].sort();
  if (order === "symbol") return all;
  const by = new Map(all.map((symbol) => [symbol, drawn(change(symbol)) ?? -Infinity]));
  return [...all].sort((a, b) => by.get(b) - by.get(a));
}

let shown = [];
let sortedAt = 0;

export function watch() {
  const rows = keyed(byId("watch-rows"), make);
  const button = byId("watch-order");
  const name = () => {
    say(button, `by ${order}`);
    button.setAttribute("aria-label", `Sorted by ${order}: change`);
  };
  button.addEventListener("click", () => {
    order = order === "symbol" ? "change" : "symbol";
    localStorage.setItem("tradewind.order", order);
    sortedAt = 0;
    name();
    changed("quotes");
  });
  name();
  byId("watchlist").addEventListener("change", (event) => {
    list = event.target.value;
    sortedAt = 0;
    changed("quotes");
  });
  let lists = "";
  draws(["quotes", "symbol", "positions", "accounts"], () => {
    const names = store.watchlists.map((one) => one.name).join("\n");
    if (names !== lists) {
      lists = names;
      byId("watchlist").replaceChildren(h("option", { value: "" }, "all"), ...store.watchlists.map((one) => h("option", { value: one.name }, one.name)));
      byId("watchlist").value = list;
      show(byId("watchlist"), store.watchlists.length > 0);
    }
    // By change the rows change places only now and then: never under a finger.
    if (Date.now() - sortedAt > 4000 || order === "symbol") {
      shown = symbols();
      sortedAt = Date.now();
    }
    rows(shown, (symbol) => symbol);
    say(byId("watch-count"), shown.length ? String(shown.length) : "");
    show(byId("watch-empty"), shown.length === 0);
    say(byId("watch-empty"), store.known.quotes ? "No instrument is quoted. What the desk watches appears here." : "Waiting for quotes…");
    clearTimeout(fading);
    fading = setTimeout(() => changed("quotes"), FLASH_MS + 50);
  });
  shape();
}

let fading = 0;

/** The shape of the day, one instrument after the other, again every few minutes. */
async function shape() {
  for (;;) {
    const due = link.state === "open" && document.visibilityState === "visible";
    const all = due ? [...store.quotes.keys()] : [];
    for (const symbol of all) {
      await ask(`/market/${encodeURIComponent(symbol)}/bars?timeframe=15m&count=${SPARK_BARS}`, (told) => {
        sparks.set(symbol, told.items.map((bar) => drawn(bar.close)));
        changed("quotes");
      });
      await new Promise((done) => setTimeout(done, 60));
    }
    await new Promise((done) => setTimeout(done, all.length ? SPARK_EVERY : 1000));
  }
}
