// Dark or light before anything is drawn: what was chosen here, else what the system wants.
(() => {
  "use strict";
  try {
    const chosen = localStorage.getItem("tradewind.theme");
    if (chosen === "dark" || chosen === "light") document.documentElement.dataset.theme = chosen;
  } catch {
    // Storage is off: the system's wish holds.
  }
})();
