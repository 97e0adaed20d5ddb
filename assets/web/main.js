// The page's beginning: who looks, then the panes. Comes back to the door when a session is over.

import { byId, say, show, toast } from "./dom.js";
import { Refusal, get, hasKey, isAbsent, post, useCsrf, useKey } from "./api.js";
import { header } from "./header.js";
import { openProfile } from "./profile.js";
import { watchErrors } from "./report.js";
import { begin, changed, end, store } from "./store.js";
import { book } from "./panes/book.js";
import { chart, restyle } from "./panes/chart.js";
import { positions } from "./panes/positions.js";
import { risk } from "./panes/risk.js";
import { watch } from "./panes/watch.js";

let inside = false;
let byKey = false;

function door(words = "") {
  inside = false;
  document.querySelectorAll("dialog[open]").forEach((dialog) => dialog.close());
  end();
  show(byId("opening"), false);
  show(byId("desk"), false);
  show(byId("door"), true);
  say(byId("sign-in-told"), words);
  show(byId("sign-in-told"), words !== "");
  byId(byKey ? "key" : "user").focus();
}

async function enter(me) {
  inside = true;
  store.me = me;
  useCsrf(me?.csrf_token);
  for (const id of ["password", "code", "key"]) byId(id).value = "";
  show(byId("by-code"), false);
  show(byId("opening"), false);
  show(byId("door"), false);
  show(byId("desk"), true);
  say(byId("who"), me?.name ?? "key");
  byId("who").setAttribute("aria-label", `You: ${me?.name ?? "by a key"}`);
  begin();
  changed("me");
}

/** Who the cookie or the key says we are. An engine without sign-in knows keys alone: then a read tells whether one is good. */
async function whoami() {
  try {
    return await get("/auth/me");
  } catch (error) {
    if (!isAbsent(error)) throw error;
    await get("/system/status");
    return null;
  }
}

async function open() {
  try {
    await enter(await whoami());
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    if (error.status === 0) {
      say(byId("opening"), "The engine does not answer. Trying again…");
      setTimeout(open, 2000);
    } else if (error.status === 401 && !hasKey()) door();
    else {
      useKey(null);
      door(error.message);
    }
  }
}

async function submit(event) {
  event.preventDefault();
  const button = byId(byKey ? "enter-key" : "enter");
  button.disabled = true;
  try {
    if (byKey) {
      useKey(byId("key").value.trim());
      await enter(await whoami());
    } else {
      const code = byId("code").value.trim();
      const shown = { user: byId("user").value.trim(), password: byId("password").value, page: true };
      await post("/auth/sign-in", code ? { ...shown, code } : shown);
      await enter(await whoami());
    }
    show(byId("sign-in-told"), false);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    if (byKey) useKey(null);
    refused(error);
  } finally {
    button.disabled = false;
  }
}

function refused(error) {
  const asks = error.code === "SECOND_FACTOR" && byId("by-code").hidden;
  const wait = error.after ? ` Try again in ${error.after} s.` : "";
  const words = isAbsent(error) ? "This engine has no sign-in: use an API key." : `${error.message}${wait}`;
  say(byId("sign-in-told"), asks ? "" : words);
  show(byId("sign-in-told"), !asks);
  if (error.code === "SECOND_FACTOR") {
    show(byId("by-code"), true);
    byId("code").focus();
  }
}

async function leave() {
  if (!hasKey()) await post("/auth/sign-out").catch((error) => toast(error.message, true));
  useKey(null);
  useCsrf(null);
  door();
}

function theme() {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  byId("theme").addEventListener("click", () => {
    const root = document.documentElement;
    const now = root.dataset.theme ?? (dark.matches ? "dark" : "light");
    root.dataset.theme = now === "dark" ? "light" : "dark";
    localStorage.setItem("tradewind.theme", root.dataset.theme);
    restyle();
  });
  dark.addEventListener("change", restyle);
}

function places() {
  const all = [...document.querySelectorAll(".places button")];
  const panes = document.querySelector(".panes");
  const go = (to) => {
    panes.dataset.tab = to;
    for (const button of all) {
      if (button.dataset.to === to) button.setAttribute("aria-current", "page");
      else button.removeAttribute("aria-current");
    }
    scrollTo(0, 0);
  };
  for (const button of all) button.addEventListener("click", () => go(button.dataset.to));
  addEventListener("picked", () => go("chart"));
}

function doors() {
  for (const id of ["by-user", "by-key"]) byId(id).addEventListener("submit", submit);
  byId("other-way").addEventListener("click", () => {
    byKey = !byKey;
    show(byId("by-key"), byKey);
    show(byId("by-user"), !byKey);
    show(byId("sign-in-told"), false);
    say(byId("other-way"), byKey ? "Sign in as a user" : "Use an API key");
    byId(byKey ? "key" : "user").focus();
  });
  byId("who").addEventListener("click", openProfile);
  addEventListener("sign-out", leave);
  addEventListener("signed-out", () => {
    if (!inside) return;
    useKey(null);
    door("This session is over. Sign in again.");
  });
}

watchErrors();
theme();
places();
doors();
header();
watch();
chart();
positions();
book();
risk();
open();
