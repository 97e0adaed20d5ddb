// Errors of the page go into the engine's log, where the operator reads them: what went wrong and where in our own files,
// nothing of what was typed. At most ten a minute, each once.

import { call } from "./api.js";

const MOST = 10;
const told = new Map();

function place(source) {
  try {
    return new URL(source, location.href).pathname;
  } catch {
    return "";
  }
}

export function report(message, source = "", line = 0, column = 0, stack = "") {
  const now = Date.now();
  for (const [words, at] of told) if (now - at > 60000) told.delete(words);
  const words = String(message).slice(0, 400);
  if (told.size >= MOST || told.has(words)) return;
  told.set(words, now);
  const body = { message: words, source: place(source), line, column, stack: String(stack).replaceAll(location.origin, "").slice(0, 1500) };
  call("POST", "/client-errors", body).catch(() => {});
}

export function watchErrors() {
  window.addEventListener("error", (event) => report(event.message, event.filename, event.lineno, event.colno, event.error?.stack));
  window.addEventListener("unhandledrejection", (event) => report(`unhandled: ${event.reason?.message ?? event.reason}`, "", 0, 0, event.reason?.stack));
  document.addEventListener("securitypolicyviolation", (event) => report(`the page's rules forbade ${event.violatedDirective} ${event.blockedURI}`, event.sourceFile ?? "", event.lineNumber));
}
