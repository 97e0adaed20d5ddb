// The bar over the panes: which accounts, what they make, how the link is; and the line under it where something is wrong.

import { byId, dress, h, moved, say, show } from "./dom.js";
import { clock, grouped, sign, when } from "./format.js";
import { changed, draws, isShown, link, store } from "./store.js";
import { byCurrency } from "./panes/positions.js";

const CLASSES = ["live", "paper", "sim"];
let lostAt = 0;

function accounts() {
  const select = byId("account");
  const names = store.accounts.map((row) => `${row.broker}/${row.account}`);
  const key = names.join("\n");
  if (select.dataset.shown !== key) {
    select.dataset.shown = key;
    const all = names.length > 1 ? [h("option", { value: "" }, "all accounts")] : [];
    select.replaceChildren(...all, ...store.accounts.map((row) => h("option", { value: `${row.broker}/${row.account}` }, row.account)));
    if (names.length === 1) store.account = names[0];
    else if (!names.includes(store.account)) store.account = "";
    select.value = store.account;
  }
  const shown = store.accounts.filter(isShown);
  const kind = CLASSES.find((one) => shown.some((row) => row.class === one)) ?? "";
  say(byId("class"), kind ? kind.toUpperCase() : "--");
  dress(byId("class"), `chip ${kind}`);
  const halted = shown.filter((row) => row.trading === "halted").length;
  const word = halted ? (halted === shown.length ? "HALTED" : `${halted} of ${shown.length} HALTED`) : shown.some((row) => row.trading === "reducing") ? "REDUCING" : "";
  say(byId("trading"), word);
  dress(byId("trading"), `word${halted ? " halted" : ""}`);
  show(byId("trading"), word !== "");
}

/** Day, open and net of what is shown, each currency by itself; those that stay at zero are left out. */
function totals() {
  const rows = (store.totals ?? []).filter(isShown).flatMap((row) => row.totals);
  const figure = ([currency, text]) => {
    const place = h("dd", {});
    moved(place, text, 2, currency === "USD" ? "" : ` ${currency}`);
    return place;
  };
  const entry = (name, sums) => h("div", { class: name }, h("dt", {}, name), ...sums.slice(0, 2).map(figure));
  const worth = (sums) => h("div", { class: "net" }, h("dt", {}, "net"), h("dd", {}, sums.slice(0, 2).map(([currency, text]) => `${grouped(text, 2)} ${currency}`).join(" · ") + (sums.length > 2 ? ` · ${sums.length - 2} more` : "")));
  const of = (field) => byCurrency(rows, field).filter(([, total], at) => at === 0 || sign(total) !== 0);
  const open = [...store.positions.values()].filter((row) => isShown(row) && sign(row.quantity) !== 0);
  const out = rows.length
    ? [entry("day", of("day")), entry("open", of("open")), worth(of("net"))]
    : open.length ? [entry("open", byCurrency(open, "unrealized_pnl"))] : [];
  byId("totals").replaceChildren(...out);
}

/** In one word how everything between here and the broker is. */
export function linkWords() {
  if (link.state === "connecting") return ["connecting", ""];
  if (link.state !== "open") return ["disconnected", "away"];
  const links = Object.entries(store.system?.links ?? {});
  const bad = links.find(([, state]) => state !== "ready");
  if (store.system && !store.system.synced) return ["syncing", ""];
  if (bad) return [`${bad[0]} ${bad[1]}`, "away"];
  return links.length ? ["ready", "ready"] : ["no broker", "away"];
}

function state() {
  const [words, kind] = linkWords();
  say(byId("link-words"), words);
  dress(byId("link"), `quiet ${kind}`);
  say(byId("round-trip"), link.roundTrip === null ? "" : `${link.roundTrip.toFixed(link.roundTrip < 10 ? 1 : 0)} ms`);
  const away = link.state !== "open" && link.reconnects >= 0;
  if (away && !lostAt) lostAt = Date.now();
  if (!away) lostAt = 0;
  document.documentElement.classList.toggle("stale", link.state !== "open");
  document.title = `${link.state === "open" ? "" : "(!) "}tradewind`;
  banner();
}

function banner() {
  let text = "";
  let soft = true;
  if (link.state !== "open" && (lostAt || link.failures > 0)) {
    const wait = Math.max(0, Math.ceil((link.retryAt - Date.now()) / 1000));
    const old = lostAt ? ` What you see is of ${clock(lostAt)}.` : "";
    const next = link.state === "connecting" || wait === 0 ? " Connecting…" : ` Trying again in ${wait} s.`;
    text = `Disconnected: ${link.reason || "the engine can't be reached"}.${old}${next}`;
    soft = false;
  } else if (link.state === "open") {
    const bad = store.status?.links?.find((row) => row.state !== "ready");
    if (bad) text = `The link from the engine to ${bad.broker} is ${bad.state}${bad.reason ? `: ${bad.reason}` : ""}, since ${when(bad.since)}.`;
  }
  say(byId("banner-words"), text);
  dress(byId("banner"), soft ? "banner soft" : "banner");
  show(byId("banner"), text !== "");
  show(byId("retry"), link.state === "waiting");
}

function rowsOf(place, rows) {
  place.replaceChildren(...rows.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
}

/** What stands in the dialog on the connection. */
function connection() {
  if (!byId("connection").open) return;
  const { hello, status } = { hello: link.hello, status: store.status };
  rowsOf(byId("connection-rows"), [
    ["link", link.state === "open" ? "open" : `${link.state}${link.reason ? `: ${link.reason}` : ""}`],
    ["round trip", link.roundTrip === null ? "--" : `${link.roundTrip.toFixed(1)} ms`],
    ["sequence", link.sequence === null ? "--" : grouped(String(link.sequence))],
    ["reconnected", `${Math.max(0, link.reconnects)} times`],
    ["encryption", location.protocol === "https:" ? "TLS" : "none"],
    ["engine", hello ? `${hello.build}, protocol ${hello.protocol}` : "--"],
    ["profile", status?.profile ?? "--"],
    ["orders can leave", status ? (status.ready ? "yes" : status.reasons.join("; ")) : "--"],
  ]);
  const list = h("dl", { class: "pairs" });
  rowsOf(list, (status?.links ?? []).map((row) => [row.broker, `${row.state} since ${when(row.since)}${row.reason ? `: ${row.reason}` : ""}`]));
  byId("broker-rows").replaceChildren(status?.links?.length ? list : "none");
}

export function header() {
  byId("account").addEventListener("change", (event) => {
    store.account = event.target.value;
    changed("accounts");
  });
  byId("retry").addEventListener("click", () => link.open());
  byId("link").addEventListener("click", () => {
    byId("connection").showModal();
    connection();
  });
  draws(["accounts"], accounts);
  draws(["totals", "positions", "accounts"], totals);
  draws(["link", "system"], state);
  draws(["link", "system", "quotes"], connection);
  draws(["system"], () => say(byId("build"), store.status ? `tradewind ${store.status.build} · profile ${store.status.profile}` : ""));
  setInterval(() => {
    say(byId("clock"), clock(Date.now()));
    byId("clock").dateTime = new Date().toISOString();
    if (link.state !== "open") banner();
  }, 500);
}

