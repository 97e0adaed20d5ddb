// What the page knows, and how it comes to know it: topics over the link for what moves, REST for what seldom does. Panes say what
// they draw from; after a change each is drawn once, with the next frame of the screen.

import { get, isAbsent } from "./api.js";
import { Link } from "./link.js";
import { report } from "./report.js";
import { difference, moment, sign } from "./format.js";

export const store = {
  me: null, account: "", symbol: null,
  quotes: new Map(), lasts: new Map(), days: new Map(),
  orders: new Map(), executions: new Map(), positions: new Map(),
  system: null, status: null, accounts: [], risks: null, limits: null, totals: null, notices: [], watchlists: [],
  known: { quotes: false, orders: false, executions: false, positions: false, notices: false },
  absent: new Set(),
};

const TOPICS = [
  [1, "system", {}],
  [2, "positions", {}],
  [3, "orders", {}],
  [4, "executions", {}],
  [5, "quotes", { batch_ms: 100 }],
  [6, "prints", { batch_ms: 100 }],
  [7, "pnl", { batch_ms: 500 }],
  [8, "risk", { batch_ms: 500 }],
  [9, "notifications", {}],
];
/** The name of the chart's topic: begun by the chart, for what it shows. */
export const CHART = 10;
/** Notifications that the page keeps. */
const NOTICES = 100;
/** Executions and ended orders that the page keeps: what it shows, and no more, however long it is open. */
const KEPT = 500;

const drawers = [];
const dirty = new Set();
let frame = 0;

/** `draw` runs after one of these has changed. */
export function draws(subjects, draw) {
  drawers.push({ subjects, draw });
}

export function changed(subject) {
  dirty.add(subject);
  if (!frame) frame = requestAnimationFrame(drawNow);
}

function drawNow() {
  frame = 0;
  const subjects = [...dirty];
  dirty.clear();
  for (const { subjects: wanted, draw } of drawers) {
    if (!subjects.some((subject) => wanted.includes(subject))) continue;
    try {
      draw();
    } catch (error) {
      report(error.message, "", 0, 0, error.stack);
    }
  }
}

export const link = new Link(told, () => changed("link"), () => reads.status(), (topic, message) => hears.get(topic)?.wrong(message));

/** Panes that read a topic of their own: `take(rows, whole)`, and `wrong(message)` where it could not be begun. */
const hears = new Map();
export function hear(topic, take, wrong) {
  hears.set(topic, { take, wrong });
}

const accountKey = (row) => `${row.broker}/${row.account}`;
const orderKey = (row) => row.client_order_id;
const executionKey = (row) => `${row.account}/${row.execution_id}`;
const positionKey = (row) => `${row.broker}/${row.account}/${row.symbol}`;

function told(topic, rows, whole) {
  if (topic === "quotes") return quotes(rows, whole);
  if (topic === "prints") return prints(rows);
  if (topic === "pnl") return merge("totals", rows, whole, "totals");
  if (topic === "risk") return merge("risks", rows, whole, "risk");
  if (topic === "notifications") return notices(rows, whole);
  if (hears.has(topic)) return hears.get(topic).take(rows, whole);
  if (topic === "system") {
    store.system = rows[0] ?? store.system;
    changed("system");
    return later();
  }
  const key = { orders: orderKey, executions: executionKey, positions: positionKey }[topic];
  if (!key) return undefined;
  if (whole) store[topic].clear();
  for (const row of rows) {
    const name = key(row);
    const before = store[topic].get(name);
    if (topic === "executions" && before && before.revision > row.revision) continue;
    store[topic].set(name, row);
  }
  if (topic !== "positions") trim(store[topic], topic);
  store.known[topic] = true;
  return changed(topic);
}

/** Rows of accounts: those that came in place of those that were. */
function merge(name, rows, whole, subject) {
  const known = new Map((whole ? [] : store[name] ?? []).map((row) => [accountKey(row), row]));
  for (const row of rows) known.set(accountKey(row), row);
  store[name] = [...known.values()];
  changed(subject);
}

function notices(rows, whole) {
  const kept = whole ? [] : store.notices;
  store.notices = [...rows.toReversed(), ...kept].slice(0, NOTICES);
  store.known.notices = true;
  changed("notices");
}

function trim(map, topic) {
  const spare = map.size - KEPT;
  if (spare <= 0) return;
  const at = (row) => moment(topic === "orders" ? row.created_at : row.at) ?? 0;
  const old = [...map].filter(([, row]) => topic === "executions" || row.ended_at !== null).sort((a, b) => at(a[1]) - at(b[1]));
  for (const [key] of old.slice(0, spare)) map.delete(key);
}

function quotes(rows, whole) {
  if (whole) store.quotes.clear();
  for (const row of rows) store.quotes.set(row.symbol, row);
  if (store.symbol === null && store.quotes.size) choose(store.quotes.has("AAPL") ? "AAPL" : store.quotes.keys().next().value);
  store.known.quotes = true;
  changed("quotes");
}

function prints(rows) {
  for (const row of rows) {
    const before = store.lasts.get(row.symbol);
    if (before?.number > row.number && before.number - row.number < 1e6) continue;
    const way = before ? sign(difference(row.price, before.price)) : 0;
    store.lasts.set(row.symbol, { price: row.price, number: row.number, at: moment(row.at), way, heard: performance.now() });
  }
  changed("quotes");
}

export function choose(symbol) {
  store.symbol = symbol;
  changed("symbol");
}

/** Whether a row belongs to what is shown. */
export const isShown = (row) => store.account === "" || `${row.broker}/${row.account}` === store.account;

/** Whether rows say which account they are of: wherever more than one is shown, be it that only one of them has rows. */
export const isMixed = () => store.account === "" && store.accounts.length > 1;

/** The price that the page shows as last: the last trade, from the tape or from what the engine remembers. */
export const last = (symbol) => store.lasts.get(symbol)?.price ?? store.days.get(symbol)?.last ?? null;

/** Asks for something; where this engine has no such address it is not asked again. */
export async function ask(path, take) {
  const [address] = path.split("?");
  if (store.absent.has(address)) return false;
  let told;
  try {
    told = await get(path);
  } catch (error) {
    if (isAbsent(error)) {
      store.absent.add(address);
      changed("absent");
    } else if (error.status === 401) {
      dispatchEvent(new Event("signed-out"));
    } else if (error.status !== 0 && error.status !== 429 && error.status !== 503) report(`GET ${address}: ${error.code ?? ""} ${error.message}`);
    return false;
  }
  take(told);
  return true;
}

const put = (name, subject) => (told) => {
  store[name] = told;
  changed(subject);
};

const reads = {
  status: () => ask("/system/status", put("status", "system")),
  accounts: () => ask("/accounts", (told) => put("accounts", "accounts")(told.items)),
  limits: () => ask("/risk", (told) => put("limits", "risk")(told.limits)),
  days: () => ask("/market/quotes", (told) => {
    for (const row of told.items) store.days.set(row.symbol, row);
    changed("quotes");
  }),
  watchlists: () => ask("/watchlists", (told) => put("watchlists", "quotes")(told.items)),
};

let soon = 0;
let missed = false;

document.addEventListener("visibilitychange", () => {
  if (missed && document.visibilityState === "visible") {
    missed = false;
    later();
  }
});

/** After a fact: what is read by REST is read again, once for many facts. */
function later() {
  if (document.visibilityState !== "visible") {
    missed = true;
    return;
  }
  if (!soon) {
    soon = setTimeout(() => {
      soon = 0;
      for (const name of ["accounts", "limits", "status"]) reads[name]();
    }, 400);
  }
}

/** Reads now what an action changes. */
export const refresh = later;

const seen = () => document.visibilityState === "visible" && link.state === "open";
let timers = [];

export function begin() {
  for (const [id, topic, parameters] of TOPICS) link.subscribe(id, topic, parameters);
  if (store.symbol !== null) changed("symbol");
  link.start();
  for (const read of Object.values(reads)) read();
  const every = (ms, act) => timers.push(setInterval(() => seen() && act(), ms));
  const open = () => [...store.positions.values()].some((row) => sign(row.quantity) !== 0);
  every(1000, () => open() && link.refresh(2));
  every(20000, reads.days);
  every(60000, reads.watchlists);
}

export function end() {
  timers.forEach(clearInterval);
  timers = [];
  link.stop();
  for (const map of [store.quotes, store.lasts, store.days, store.orders, store.executions, store.positions]) map.clear();
  Object.assign(store, { me: null, account: "", system: null, status: null, accounts: [], risks: null, limits: null, totals: null, notices: [] });
  for (const name of Object.keys(store.known)) store.known[name] = false;
  store.absent.clear();
}
