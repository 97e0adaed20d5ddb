// Orders, executions and what happened, as three tabs of one pane.

import { byId, dress, h, keyed, moved, say, show } from "../dom.js";
import { age, grouped, moment, when } from "../format.js";
import { changed, draws, isMixed, isShown, store } from "../store.js";
import { rounded } from "./positions.js";
import { digits } from "./watch.js";

const TABS = ["orders", "executions", "activity"];
const ENDED_SHOWN = 100;
let tab = "orders";
const mixed = { orders: false, executions: false };

const side = (row) => (row.side === "buy" ? "buy" : "sell");

/** An order as the desk writes it: BUY 100 lmt 189.50 gtc. */
export function words(row) {
  const price = (text) => (text === null || text === undefined ? "" : ` ${grouped(text, digits(row.symbol))}`);
  const trail = row.distance ? ` by ${row.distance}` : "";
  const tif = row.tif && row.tif !== "day" ? ` ${row.tif}` : "";
  return `${side(row).toUpperCase()} ${grouped(row.quantity)} ${row.type}${price(row.trigger)}${price(row.price)}${trail}${tif}`;
}

function state(row) {
  if (row.pending) return `${row.pending} asked`;
  if (row.phase === "filled" && row.average_price) return `filled ${rounded(row.average_price, digits(row.symbol))}`;
  return String(row.phase ?? "--").replaceAll("_", " ");
}

const TROUBLE = new Set(["denied", "rejected", "uncertain", "not_sent", "absent", "lost"]);

function order(first) {
  const what = h("span", { class: side(first) });
  const where = h("span", { class: "sub name" });
  const [phase, filled, old] = [h("td", {}), h("td", { class: "n" }), h("td", { class: "n wide faint" })];
  const reason = h("span", { class: "sub" });
  const row = h("tr", {}, h("td", {}, h("span", {}, first.symbol), where), h("td", { class: "words" }, what, reason), phase, filled, old);
  return {
    element: row,
    update(item) {
      say(what, words(item));
      say(where, mixed.orders ? item.account : "");
      say(phase, state(item));
      const live = item.ended_at === null;
      dress(phase, TROUBLE.has(item.phase) ? "warn" : live ? "working" : "");
      say(filled, `${grouped(item.filled)}/${grouped(item.quantity)}`);
      say(old, age(moment(item.ended_at ?? item.created_at), Date.now()));
      say(reason, [item.external ? "made elsewhere" : "", item.reason ?? ""].filter(Boolean).join(" · "));
      row.classList.toggle("ended", !live);
    },
  };
}

function execution(first) {
  const at = h("td", { class: "faint" }, when(first.at));
  const what = h("span", { class: side(first) });
  const where = h("span", { class: "sub name" });
  const [price, fee] = [h("td", { class: "n" }), h("td", { class: "n faint" })];
  return {
    element: h("tr", {}, at, h("td", {}, what, where), price, fee),
    update(item) {
      say(what, `${side(item).toUpperCase()} ${grouped(item.quantity)} ${item.symbol}`);
      const corrected = item.revision > 1 ? `corrected (${item.revision})` : "";
      const account = mixed.executions ? item.account : "";
      say(where, [account, corrected].filter(Boolean).join(" · "));
      say(price, grouped(item.price, digits(item.symbol)));
      say(fee, item.fee === null ? "--" : `${grouped(item.fee, 2)} ${item.currency ?? ""}`);
    },
  };
}

const LEVELS = { fill: "fill", warning: "warning", told: "told", info: "info" };
const MARKS = { warning: "! " };

function notice(first) {
  const level = LEVELS[first.level] ?? "info";
  const line = h("span", { class: level }, (MARKS[level] ?? "") + first.text);
  return { element: h("li", {}, h("time", { datetime: first.at }, when(first.at)), line), update() {} };
}

function choose(next) {
  tab = next;
  for (const name of TABS) {
    const button = byId(`tab-${name}`);
    button.setAttribute("aria-selected", String(name === tab));
    button.tabIndex = name === tab ? 0 : -1;
    show(byId(name), name === tab);
  }
  changed("orders");
}

function tabs() {
  for (const [at, name] of TABS.entries()) {
    const button = byId(`tab-${name}`);
    button.addEventListener("click", () => choose(name));
    button.addEventListener("keydown", (event) => {
      const way = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!way) return;
      const next = TABS[(at + way + TABS.length) % TABS.length];
      choose(next);
      byId(`tab-${next}`).focus();
    });
  }
}

function drawOrders(rows) {
  const all = [...store.orders.values()].filter(isShown);
  const at = (row) => moment(row.created_at) ?? 0;
  const live = all.filter((row) => row.ended_at === null).sort((a, b) => at(b) - at(a));
  const ended = all.filter((row) => row.ended_at !== null).sort((a, b) => at(b) - at(a));
  mixed.orders = isMixed();
  rows([...live, ...ended.slice(0, ENDED_SHOWN)], (row) => row.client_order_id);
  show(byId("orders-empty"), all.length === 0);
  say(byId("orders-empty"), store.known.orders ? "No order lives, and none ended within a day." : "Waiting for orders…");
  if (tab === "orders") say(byId("book-count"), `open ${live.length} · ended ${ended.length}`);
}

function drawExecutions(rows) {
  const all = [...store.executions.values()].filter(isShown).sort((a, b) => (moment(b.at) ?? 0) - (moment(a.at) ?? 0));
  mixed.executions = isMixed();
  rows(all.slice(0, 200), (row) => `${row.account}/${row.execution_id}`);
  show(byId("executions-empty"), all.length === 0);
  say(byId("executions-empty"), store.known.executions ? "Nothing was executed within a week." : "Waiting for executions…");
  if (tab === "executions") say(byId("book-count"), `${all.length} in a week`);
}

function drawNotices(rows) {
  rows(store.notices, (one) => `${one.sequence}/${one.text}`);
  show(byId("activity-empty"), store.notices.length === 0);
  const absent = store.absent.has("/notifications");
  say(byId("activity-empty"), absent ? "This engine does not tell its activity here." : store.known.notices ? "Nothing has happened yet." : "Waiting for activity…");
  if (tab === "activity") say(byId("book-count"), "newest first");
}

export function book() {
  tabs();
  const lists = { orders: keyed(byId("order-rows"), order), executions: keyed(byId("execution-rows"), execution), notices: keyed(byId("activity-rows"), notice) };
  draws(["orders", "accounts"], () => tab === "orders" && drawOrders(lists.orders));
  draws(["executions", "orders", "accounts"], () => tab === "executions" && drawExecutions(lists.executions));
  draws(["notices", "orders", "absent"], () => tab === "activity" && drawNotices(lists.notices));
  setInterval(() => tab === "orders" && document.visibilityState === "visible" && changed("orders"), 1000);
}
