// The second factor once more, for what wants it. A promise: kept after a good code, broken where the person leaves it.

import { byId, say, show } from "./dom.js";
import { Refusal, hasKey, post } from "./api.js";
import { store } from "./store.js";

export function stepUp(why) {
  if (hasKey()) return Promise.reject(new Refusal(403, "STEP_UP", "a key can't do this; sign in with a user that has a second factor", null));
  if (store.me?.second_factor === false) return Promise.reject(new Refusal(403, "NO_SECOND_FACTOR", "this wants a second factor, and you have none: set one up under your name, top right", null));
  const dialog = byId("step");
  const form = byId("step-form");
  const code = byId("step-code");
  say(byId("step-why"), why);
  show(byId("step-told"), false);
  code.value = "";
  dialog.showModal();
  return new Promise((good, bad) => {
    const over = () => {
      form.removeEventListener("submit", submit);
      dialog.removeEventListener("close", left);
      byId("step-cancel").removeEventListener("click", leave);
    };
    const leave = () => dialog.close();
    const left = () => {
      over();
      bad(new Refusal(0, "LEFT", "you left it", null));
    };
    const submit = async (event) => {
      event.preventDefault();
      try {
        const told = await post("/auth/step-up", { code: code.value.trim() });
        over();
        dialog.close();
        good(told);
      } catch (error) {
        say(byId("step-told"), error.message);
        show(byId("step-told"), true);
        code.select();
      }
    };
    form.addEventListener("submit", submit);
    dialog.addEventListener("close", left);
    byId("step-cancel").addEventListener("click", leave);
  });
}
