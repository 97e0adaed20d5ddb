// Press and hold: a brake that a pocket can't press, and that wants no second thought. Held for a second with a finger, a
// mouse, Space or Enter it acts; let go before, it does nothing. Who works the page by other means (a screen reader, a
// switch) gives a click without a press: that arms it, and a second one within five seconds acts.

const HOLD_MS = 1000;
const ARMED_MS = 5000;

export function hold(button, act) {
  let timer = 0;
  let armed = 0;
  const words = button.dataset.words ?? (button.dataset.words = button.querySelector(".words").textContent);
  const told = (text) => {
    button.querySelector(".words").textContent = text;
  };
  const release = () => {
    clearTimeout(timer);
    timer = 0;
    button.classList.remove("held");
    if (!armed) told(words);
  };
  const done = () => {
    release();
    button.classList.add("done");
    setTimeout(() => button.classList.remove("done"), 600);
    act();
  };
  const press = () => {
    if (timer || button.disabled) return;
    button.classList.add("held");
    told("keep holding");
    timer = setTimeout(done, HOLD_MS);
  };
  const isKey = (event) => event.key === " " || event.key === "Enter";
  button.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    try {
      button.setPointerCapture(event.pointerId);
    } catch {
      // A pointer that is gone already: its end is heard all the same.
    }
    press();
  });
  for (const end of ["pointerup", "pointercancel", "lostpointercapture", "blur"]) button.addEventListener(end, release);
  button.addEventListener("contextmenu", (event) => event.preventDefault());
  button.addEventListener("keydown", (event) => {
    if (!isKey(event)) return;
    event.preventDefault();
    if (!event.repeat) press();
  });
  button.addEventListener("keyup", (event) => isKey(event) && release());
  button.addEventListener("click", (event) => {
    if (event.detail !== 0 || event.pointerType) return;
    if (armed) {
      clearTimeout(armed);
      armed = 0;
      told(words);
      done();
      return;
    }
    told("press again to act");
    armed = setTimeout(() => {
      armed = 0;
      told(words);
    }, ARMED_MS);
  });
}
