// Positions: what is held, at what price, what it makes now, and what protects it.

import { byId, h, held, keyed, moved, say, show } from "../dom.js";
import { decimals, grouped, magnitude, difference, sign, sum } from "../format.js";
import { choose, draws, isMixed, isShown, store } from "../store.js";
import { digits } from "./watch.js";

/** How much of a position nothing protects; null where that is not known. */
export const naked = (row) => difference(magnitude(row.quantity), magnitude(row.protected));

let mixed = false;

function make(first) {
  const cell = (classes) => h("td", { class: classes });
  const name = h("button", { class: "symbol", type: "button", onclick: () => {
    choose(first.symbol);
    dispatchEvent(new CustomEvent("picked"));
  } }, first.symbol);
  const account = h("span", { class: "sub name" });
  const bare = h("span", { class: "sub naked narrow" });
  const [quantity, average, mark, open, realised, guard] = ["n", "n wide", "n", "n", "n wide", "n wide"].map(cell);
  const row = h("tr", {}, h("td", {}, name, account, bare), quantity, average, mark, open, realised, guard);
  return {
    element: row,
    update(item) {
      const places = digits(item.symbol);
      held(quantity, item.quantity);
      say(average, rounded(item.average_price, places));
      say(mark, grouped(item.market_price, places));
      moved(open, item.unrealized_pnl);
      moved(realised, item.realized_pnl);
      const left = naked(item);
      const isNaked = sign(left) === 1;
      const words = isNaked ? (sign(item.protected) === 0 ? "NAKED" : `NAKED ${grouped(left)}`) : sign(item.quantity) === 0 ? "" : grouped(item.protected);
      say(guard, words);
      guard.classList.toggle("naked", isNaked);
      say(bare, isNaked ? words : "");
      say(account, [mixed ? item.account : "", item.currency && item.currency !== "USD" ? item.currency : ""].filter(Boolean).join(" "));
      row.classList.toggle("ended", sign(item.quantity) === 0);
    },
  };
}

/** An average price has many digits: cut where two more than the tick are shown. */
export function rounded(text, places) {
  const most = places + 2;
  if (decimals(text) <= most) return grouped(text, places);
  return grouped(text.slice(0, text.length - (decimals(text) - most)), places);
}

/** Sums by currency, the largest list of rows first. */
export function byCurrency(rows, field) {
  const groups = Map.groupBy ? Map.groupBy(rows, (row) => row.currency) : rows.reduce((all, row) => all.set(row.currency, [...(all.get(row.currency) ?? []), row]), new Map());
  return [...groups].map(([currency, of]) => [currency ?? "", sum(of.map((row) => row[field])), of.length]).sort((a, b) => b[2] - a[2]);
}

export function positions() {
  const rows = keyed(byId("position-rows"), make);
  draws(["positions", "accounts"], () => {
    const all = [...store.positions.values()].filter(isShown);
    const live = (row) => (sign(row.quantity) === 0 ? 1 : 0);
    all.sort((a, b) => live(a) - live(b) || a.symbol.localeCompare(b.symbol) || a.account.localeCompare(b.account));
    mixed = isMixed();
    rows(all, (row) => `${row.broker}/${row.account}/${row.symbol}`);
    const open = all.filter((row) => sign(row.quantity) !== 0);
    say(byId("positions-count"), open.length ? String(open.length) : "");
    show(byId("positions-empty"), all.length === 0);
    say(byId("positions-empty"), store.known.positions ? "Nothing is held." : "Waiting for positions…");
    const sums = byCurrency(open, "unrealized_pnl").map(([currency, total]) => {
      const figure = h("span", {});
      moved(figure, total, 2, ` ${currency}`);
      return figure;
    });
    byId("positions-sum").replaceChildren(...sums);
  });
}
