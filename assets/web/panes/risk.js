// The state of risk of each account, and the brake: halt, cancel all, and after a second factor flatten. Each is pressed
// and held, and each says what was done by the engine's own words.

import { byId, dress, h, keyed, say, toast } from "../dom.js";
import { Refusal, post } from "../api.js";
import { UNKNOWN, grouped, moment, sign } from "../format.js";
import { hold } from "../hold.js";
import { draws, isShown, link, refresh, store } from "../store.js";
import { stepUp } from "../step.js";
import { naked } from "./positions.js";

/** The accounts with what is known of their risk: by the topic, and before it came what the status tells. */
function accounts() {
  const known = new Map((store.risks ?? []).map((row) => [`${row.broker}/${row.account}`, row]));
  const all = store.accounts.length ? store.accounts : store.status?.trading?.map((row) => ({ ...row, trading: row.state, trading_reason: row.reason })) ?? [];
  return all.filter(isShown).map((row) => ({ ...row, ...known.get(`${row.broker}/${row.account}`) }));
}

function make(first) {
  const state = h("span", { class: "state" });
  const why = h("p", { class: "why" });
  const pairs = h("dl", { class: "pairs" });
  const element = h("div", { class: "account" }, h("h3", {}, first.account, state), why, pairs);
  return {
    element,
    update(item) {
      say(state, String(item.trading || UNKNOWN).toUpperCase());
      dress(state, `state ${item.trading}`);
      say(why, item.trading === "active" ? "" : item.trading_reason ?? "");
      why.hidden = why.textContent === "";
      const rows = figures(item);
      const key = JSON.stringify(rows);
      if (pairs.dataset.shown === key) return;
      pairs.dataset.shown = key;
      pairs.replaceChildren(...rows.flatMap(([name, value, kind]) => [h("dt", {}, name), h("dd", { class: kind ?? "" }, value)]));
    },
  };
}

function figures(item) {
  const rows = [];
  const mine = [...store.positions.values()].filter((row) => row.account === item.account && row.broker === item.broker && sign(row.quantity) !== 0);
  const live = item.live_orders ?? [...store.orders.values()].filter((row) => row.account === item.account && row.ended_at === null).length;
  rows.push(["held", String(mine.length)], ["working", String(live)]);
  for (const one of item.exposure ?? []) rows.push([`gross ${one.currency}`, grouped(one.gross, 2)], [`net ${one.currency}`, grouped(one.net, 2)]);
  const bare = mine.filter((row) => sign(naked(row)) === 1).map((row) => row.symbol);
  if (mine.length) rows.push(["unprotected", bare.length ? bare.join(" ") : "none", bare.length ? "naked" : ""]);
  if (item.programs_armed !== undefined && item.class !== "sim") rows.push(["programs", item.programs_armed ? "armed" : "not armed"]);
  for (const one of item.flattening ?? []) rows.push([`flatten ${one.symbol}`, one.step, "naked"]);
  return rows;
}

const LIMITS = {
  max_order_value: "order value", max_position_value: "position value", max_quantity_equity: "shares an order", max_quantity_future: "contracts an order",
  max_quantity_forex: "currency an order", max_quantity_crypto: "coins an order", max_live_orders: "live orders each", collar_bps: "price collar, bp", rate_per_second: "orders a second",
};

function limits() {
  const of = store.limits;
  byId("limits").hidden = !of;
  if (!of) return;
  const rows = Object.entries(LIMITS).filter(([key]) => of[key] !== undefined);
  byId("limit-rows").replaceChildren(...rows.flatMap(([key, name]) => [h("dt", {}, name), h("dd", {}, grouped(String(of[key])))]));
}

const chosen = () => (store.account === "" ? {} : { account: store.account.split("/").slice(1).join("/") });

async function act(name, work) {
  try {
    toast(await work());
  } catch (error) {
    if (error instanceof Refusal) toast(`${name} did not go through: ${error.message}`, true);
    else throw error;
  } finally {
    refresh();
  }
}

const halt = () => act("halt", async () => {
  const told = await post("/risk/halt", { ...chosen(), reason: "halted on the monitor" });
  return `Halted: ${told.accounts.map((one) => `${one.account}${one.note ? `, ${one.note}` : ""}`).join("; ")}.`;
});

const cancelAll = () => act("cancel all", async () => {
  const told = await post("/orders/cancel", chosen());
  const kept = told.kept.length ? ` ${told.kept.length} stay: ${[...new Set(told.kept.map((one) => one.why))].join(", ")}.` : "";
  return `${told.cancelled.length} cancels asked for.${kept}`;
});

/** Whether an account holds or works anything, as far as is known: what is not known is flattened too. */
function isBusy(row) {
  if (!store.known.positions || !store.known.orders || link.state !== "open") return true;
  const mine = (one) => one.account === row.account && one.broker === row.broker;
  return [...store.positions.values()].some((one) => mine(one) && sign(one.quantity) !== 0) || [...store.orders.values()].some((one) => mine(one) && one.ended_at === null);
}

/** Flattens every account that is shown, one after the other; one that can't be must not keep the next from it. */
const flatten = () => act("flatten", async () => {
  const wanted = accounts().filter(isBusy).map((row) => row.account);
  if (!wanted.length) return "Nothing is held, and nothing works.";
  const proven = (moment(store.me?.stepped_up_until) ?? 0) > Date.now() + 5000;
  const prove = async () => {
    const told = await stepUp(`Flatten ${wanted.join(" and ")}: cancel what works and close what is held.`);
    if (store.me) store.me.stepped_up_until = told.until;
  };
  if (!proven) await prove();
  const [done, failed] = [[], []];
  for (const account of wanted) {
    try {
      const told = await post("/risk/flatten", { account });
      done.push(`${account}${told.note ? `, ${told.note}` : ""}`);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      failed.push(`${account}: ${error.message}`);
    }
  }
  if (failed.length) throw new Refusal(0, "PART", `${failed.join("; ")}${done.length ? `. Flattening: ${done.join("; ")}` : ""}`, null);
  return `Flattening: ${done.join("; ")}.`;
});

export function risk() {
  const rows = keyed(byId("risk-accounts"), make);
  draws(["risk", "accounts", "positions", "orders", "system"], () => rows(accounts(), (row) => `${row.broker}/${row.account}`));
  draws(["risk"], limits);
  draws(["accounts", "me", "absent"], () => {
    const all = store.account === "";
    say(byId("risk-scope"), all ? (store.accounts.length > 1 ? "all accounts" : "") : store.account.split("/")[1]);
    const may = store.me === null || store.me.role !== "view";
    for (const id of ["halt", "cancel-all", "flatten"]) byId(id).disabled = !may;
    const why = may ? "" : "Your role may look only. ";
    say(byId("halt-hint"), `${why}No new risk leaves, entries are cancelled; stops, targets and what only closes stay.`);
  });
  hold(byId("halt"), halt);
  hold(byId("cancel-all"), cancelAll);
  hold(byId("flatten"), flatten);
}
