// Who is logged in. The one module that knows the token: in memory, and in the sessionStorage of this origin, so that a
// reload stays logged in and a closed tab does not.

const KEY = "invok.session";

/**
 * @typedef {{uuid: string, email: string, role?: string}} User
 * @typedef {{token: string, user: User}} Session
 */

/** @type {Session | null} */
let current = read();
const changes = new EventTarget();
let hasRunOut = false;

function read() {
  try {
    const session = JSON.parse(sessionStorage.getItem(KEY) ?? "null");
    return typeof session?.token === "string" && typeof session?.user?.uuid === "string" ? session : null;
  } catch {
    return null;
  }
}

/** @param {Session | null} session */
function keep(session) {
  current = session;
  try {
    if (session) sessionStorage.setItem(KEY, JSON.stringify(session));
    else sessionStorage.removeItem(KEY);
  } catch {
    // Where the browser keeps nothing, a reload logs out.
  }
  changes.dispatchEvent(new Event("change"));
}

/** @returns {User | null} */
export function user() {
  return current?.user ?? null;
}

/**
 * Begins a session with what the server answered.
 * @param {Session} session
 */
export function begin(session) {
  hasRunOut = false;
  keep(session);
}

/** Whether the server has ended the last one. */
export const ranOut = () => hasRunOut;

/** Ends it here; what the server still believes ends by itself. */
export function end() {
  if (current) keep(null);
}

/** @param {() => void} listener is called when somebody has logged in or out. */
export function whenChanged(listener) {
  changes.addEventListener("change", listener);
}

/**
 * Sends a request with the session's token.
 * @param {string} path
 * @param {RequestInit} [init]
 */
export async function authorized(path, init = {}) {
  const token = current?.token;
  const headers = new Headers(init.headers);
  if (token) headers.set("Authorization", `Bearer ${token}`);
  const response = await fetch(path, { ...init, headers, credentials: "omit", cache: "no-store" });
  // Another may have logged in meanwhile.
  if (response.status === 401 && token && current?.token === token) {
    hasRunOut = true;
    keep(null);
  }
  return response;
}
