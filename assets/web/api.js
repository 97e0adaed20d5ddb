// REST. A page that signed in is known by a cookie that scripts can't read, and says along with each change what only it
// can know. A pasted key stays in this tab alone.

const KEY = "tradewind.key";
let csrf = null;
let key = sessionStorage.getItem(KEY);

/** An answer that was a refusal. */
export class Refusal extends Error {
  constructor(status, code, message, after) {
    super(message);
    this.name = "Refusal";
    this.status = status;
    this.code = code;
    this.after = after;
  }
}

export const hasKey = () => key !== null;
export const keyProtocol = () => (key === null ? [] : [`tradewind.key.${key}`]);

export function useKey(text) {
  key = text;
  if (text === null) sessionStorage.removeItem(KEY);
  else sessionStorage.setItem(KEY, text);
}

export function useCsrf(token) {
  csrf = token ?? null;
}

/** Calls `/api/v1` + `path`; the answer's JSON. Throws a Refusal; one with status 0 where nothing answered. */
export async function call(method, path, body) {
  try {
    return await send(method, path, body);
  } catch (error) {
    // Another tab signed in anew: what this one has to say along is another by now.
    if (error.code !== "CSRF") throw error;
    useCsrf((await send("GET", "/auth/me")).csrf_token);
    return send(method, path, body);
  }
}

async function send(method, path, body) {
  const headers = { accept: "application/json" };
  if (body !== undefined) headers["content-type"] = "application/json";
  if (key !== null) headers.authorization = `Bearer ${key}`;
  else if (csrf !== null && method !== "GET") headers["x-csrf-token"] = csrf;
  let answer;
  try {
    answer = await fetch(`/api/v1${path}`, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      credentials: "same-origin",
      cache: "no-store",
      signal: AbortSignal.timeout(15000),
    });
  } catch {
    throw new Refusal(0, "NO_ANSWER", "the engine does not answer", null);
  }
  const told = await answer.json().catch(() => null);
  if (answer.ok && (told !== null || answer.status === 204)) return told;
  // An engine that ends in the middle of an answer has told nothing.
  if (answer.ok) throw new Refusal(0, "NO_ANSWER", "the engine's answer broke off", null);
  const { code = `HTTP_${answer.status}`, message = `the engine answered ${answer.status}` } = told?.error ?? {};
  const after = Number(answer.headers.get("retry-after"));
  throw new Refusal(answer.status, code, message, Number.isFinite(after) && after > 0 ? after : null);
}

export const get = (path) => call("GET", path);
export const post = (path, body = {}) => call("POST", path, body);
export const remove = (path) => call("DELETE", path);

/** Whether this engine has no such address (an older one), which is no error worth telling. */
export const isAbsent = (error) => error instanceof Refusal && (error.status === 404 || error.status === 405);
