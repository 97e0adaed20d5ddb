// You: who is signed in, the second factor, the password, sessions and keys. Secrets that are made here are shown once and
// kept nowhere by the page.

import { byId, h, toast } from "./dom.js";
import { Refusal, get, hasKey, isAbsent, post, remove } from "./api.js";
import { when } from "./format.js";
import { store } from "./store.js";
import { stepUp } from "./step.js";

/** Does it, after the second factor where that is wanted; what went wrong is said. */
async function attempt(why, work) {
  try {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof Refusal) || error.code !== "STEP_UP") throw error;
      await stepUp(why);
      return await work();
    }
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    if (error.code !== "LEFT") toast(error.message, true);
    return null;
  }
}

const field = (id, label, fields) => [h("label", { for: id }, label), h("input", { id, maxlength: 512, autocapitalize: "none", spellcheck: "false", ...fields })];
const value = (id) => byId(id).value;
const button = (text, act, kind = "link") => h("button", { type: "button", class: kind, onclick: act }, text);

function form(parts, text, act) {
  return h("form", { onsubmit: async (event) => {
    event.preventDefault();
    const sender = event.currentTarget.querySelector(".main");
    sender.disabled = true;
    try {
      await act();
    } finally {
      sender.disabled = false;
    }
  } }, ...parts, h("button", { class: "main", type: "submit" }, text));
}

const fold = (title, ...parts) => h("details", {}, h("summary", {}, title), ...parts);

function you() {
  const { me } = store;
  const rows = [["name", me?.name ?? "--"], ["role", me?.role ?? "--"], ["accounts", me?.accounts ? me.accounts.join(", ") : "all"], ["came by", hasKey() ? "an API key" : "signing in"]];
  if (me?.address) rows.push(["from", me.address]);
  if (me?.stepped_up_until) rows.push(["proved again until", when(me.stepped_up_until)]);
  return h("dl", { class: "pairs" }, ...rows.flatMap(([name, text]) => [h("dt", {}, name), h("dd", {}, text)]));
}

const codes = (told) => [h("p", { class: "hint" }, "Recovery codes: each opens once in place of your second factor. They are shown only now."), h("code", { class: "secret" }, told.recovery_codes.join("  "))];

function factor() {
  const { me } = store;
  const place = h("div", {}, h("h3", {}, "Second factor"), h("p", {}, me.second_factor ? `On. ${me.recovery_codes_left ?? "--"} recovery codes are left.` : "Off. Flatten, keys and resuming want one."));
  const parts = field("enrol-password", "Your password", { type: "password", autocomplete: "current-password", required: true });
  if (me.second_factor) parts.push(...field("enrol-code", "A code of the present one", { autocomplete: "one-time-code", maxlength: 32, required: true }));
  place.append(fold(me.second_factor ? "Replace it" : "Set it up", form(parts, "Begin", async () => {
    const body = { password: value("enrol-password") };
    if (me.second_factor) body.code = value("enrol-code").trim();
    const told = await attempt("", () => post("/auth/totp/enrol", body));
    if (told) confirm(place, told);
  })));
  if (me.second_factor) {
    place.append(button("New recovery codes", async () => {
      const told = await attempt("New recovery codes in place of the old ones.", () => post("/auth/recovery-codes"));
      if (told) place.append(...codes(told));
    }));
  }
  return place;
}

function confirm(place, told) {
  const app = told.uri.startsWith("otpauth://") ? h("a", { href: told.uri }, "Open it in an authenticator on this device") : null;
  place.replaceChildren(h("h3", {}, "Second factor"), h("p", {}, "Put this secret into your authenticator, then give its first code."), h("code", { class: "secret" }, told.secret), app ?? "",
    form(field("confirm-code", "Code", { autocomplete: "one-time-code", inputmode: "numeric", maxlength: 8, required: true }), "Confirm", async () => {
      const done = await attempt("", () => post("/auth/totp/confirm", { code: value("confirm-code").trim() }));
      if (!done) return;
      store.me.second_factor = true;
      place.replaceChildren(h("h3", {}, "Second factor"), h("p", {}, "On."), ...codes(done));
    }));
}

function password() {
  const parts = [...field("old-password", "Password now", { type: "password", autocomplete: "current-password", required: true }), ...field("new-password", "New password", { type: "password", autocomplete: "new-password", required: true })];
  if (store.me.second_factor) parts.push(...field("password-code", "Second factor", { autocomplete: "one-time-code", maxlength: 32, required: true }));
  return fold("Change the password", form(parts, "Change", async () => {
    const body = { password: value("old-password"), new_password: value("new-password") };
    if (store.me.second_factor) body.code = value("password-code").trim();
    const told = await attempt("", () => post("/auth/password", body));
    if (told) {
      toast("Changed. All other sessions have ended.");
      await openProfile();
    }
  }));
}

async function sessions() {
  const told = await get("/auth/sessions");
  const end = (one) => async () => {
    if (await attempt("", () => remove(`/auth/sessions/${encodeURIComponent(one.id)}`))) await openProfile();
  };
  const row = (one) => h("li", {}, h("span", {}, `${one.address}, ${one.page ? "page" : "program"}`, h("span", { class: "sub" }, `since ${when(one.made)}, seen ${when(one.seen)}, ends ${when(one.ends)}`)), one.current ? h("span", { class: "faint" }, "this one") : button("End", end(one), "link danger"));
  return h("div", {}, h("h3", {}, "Sessions"), h("ul", { class: "items" }, ...told.items.map(row)));
}

function keys() {
  const place = h("div", {}, h("h3", {}, "API keys"));
  const open = async () => {
    const told = await attempt("See and make API keys.", () => get("/keys"));
    if (told) list(place, told.items, open);
  };
  place.append(button("Show keys", open));
  return place;
}

function list(place, items, again) {
  const gone = (one) => async () => {
    if (await attempt(`Take the key ${one.name} away.`, () => remove(`/keys/${encodeURIComponent(one.id)}`))) await again();
  };
  const row = (one) => h("li", {}, h("span", {}, one.name, h("span", { class: "sub" }, `${one.role}, ${one.accounts ? one.accounts.join(", ") : "all accounts"}, ${one.expires ? `until ${when(one.expires)}` : "without end"}`)), button("Remove", gone(one), "link danger"));
  const role = h("select", { id: "key-role" }, ...["view", "trade", "admin"].map((word) => h("option", { value: word }, word)));
  const made = h("div", {});
  place.replaceChildren(h("h3", {}, "API keys"), h("ul", { class: "items" }, ...items.map(row)), items.length ? "" : h("p", { class: "faint" }, "There are none."), made,
    fold("Make one", form([...field("key-name", "Name", { required: true, maxlength: 60 }), h("label", { for: "key-role" }, "Role"), role, ...field("key-days", "Days that it lasts", { type: "number", min: 1, max: 3650, value: 90 })], "Make", async () => {
      const body = { name: value("key-name").trim(), role: role.value };
      if (value("key-days")) body.days = Number(value("key-days"));
      const told = await attempt("Make an API key.", () => post("/keys", body));
      if (!told) return;
      await again();
      place.append(h("p", { class: "told fine", role: "status" }, "The key, shown only now:"), h("code", { class: "secret" }, told.token));
    })));
}

/** Opens the dialog, or draws it anew. */
export async function openProfile() {
  const dialog = byId("profile");
  const body = byId("profile-body");
  if (!dialog.open) dialog.showModal();
  const parts = [];
  if (store.me?.session) {
    try {
      store.me = await get("/auth/me");
      parts.push(factor(), password(), await sessions());
    } catch (error) {
      if (!isAbsent(error)) toast(error.message, true);
    }
    if (store.me.role === "admin") parts.push(keys());
  }
  parts.unshift(you());
  parts.push(h("h3", {}, ""), button(hasKey() ? "Forget the key" : "Sign out", () => dispatchEvent(new Event("sign-out")), "link danger"));
  body.replaceChildren(...parts);
}
