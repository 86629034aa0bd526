// The public API, as /api/openapi.json describes it.

import { authorized, begin } from "./session.js";

/** What went wrong, as the server says it (RFC 9457), or as far as it is known here. */
export class Problem extends Error {
  /** @param {{detail: string, status?: number, code?: string, next_step?: string, build_log?: string, request_id?: string}} message */
  constructor(message) {
    super(message.detail);
    this.status = message.status ?? 0;
    this.code = message.code ?? "unknown";
    this.nextStep = message.next_step;
    this.buildLog = message.build_log;
    this.requestID = message.request_id;
  }
}

const AWAY = { detail: "The server does not answer.", code: "away", next_step: "See that it runs, then try again." };

/**
 * @param {string} path
 * @param {RequestInit} [init]
 * @returns {Promise<Response>} an answer that is no problem
 */
async function send(path, init) {
  let response;
  try {
    response = await authorized(path, init);
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Problem(AWAY);
  }
  if (response.ok) return response;
  let message;
  try {
    message = await response.json();
  } catch {
    message = {};
  }
  throw new Problem({
    ...message,
    detail: message.detail ?? `The server answered ${response.status} ${response.statusText}.`,
    status: response.status,
  });
}

/**
 * @param {string} method
 * @param {string} path
 * @param {{json?: unknown, body?: BodyInit, signal?: AbortSignal}} [options]
 */
async function call(method, path, options = {}) {
  const init = /** @type {RequestInit} */ ({ method, body: options.body, signal: options.signal });
  if (options.json !== undefined) {
    init.body = JSON.stringify(options.json);
    init.headers = { "Content-Type": "application/json" };
  }
  const response = await send(path, init);
  return response.status === 204 ? null : response.json();
}

/** @param {{uuid: string, name: string}} key */
const at = (key) => `/api/v1/functions/${key.uuid}/${encodeURIComponent(key.name)}`;

/** @param {"login" | "register"} what @param {string} email @param {string} password */
export async function enter(what, email, password) {
  begin(await call("POST", `/auth/${what}`, { json: { email, password } }));
}

export const functions = () => call("GET", "/api/v1/functions");
export const status = () => call("GET", "/api/v1/status");
/** @param {{uuid: string, name: string}} key */
export const read = (key) => call("GET", at(key));
/** @param {{uuid: string, name: string}} key */
export const versions = (key) => call("GET", `${at(key)}/versions`);
/** @param {{uuid: string, name: string}} key @param {number} to */
export const rollback = (key, to) => call("POST", `${at(key)}/rollback`, { json: { to } });
/** @param {{uuid: string, name: string}} key @param {object} change */
export const update = (key, change) => call("PUT", at(key), { json: change });
/** @param {{uuid: string, name: string}} key */
export const remove = (key) => call("DELETE", at(key));
/** @param {string} runtime @param {string} name */
export const template = (runtime, name) =>
  call("GET", `/api/v1/templates/${runtime}?name=${encodeURIComponent(name)}`);

/**
 * How it was called.
 * @param {{uuid: string, name: string}} key
 * @param {string} since RFC 3339
 * @param {number} points
 */
export const stats = (key, since, points) => call("GET", `${at(key)}/stats?${new URLSearchParams({ since, points: String(points) })}`);

/**
 * Deploys an archive.
 * @param {string} name
 * @param {Blob} archive
 * @param {(line: string) => void} [whenLine] is called with each line of the build as it comes
 */
export async function deploy(name, archive, whenLine) {
  const form = new FormData();
  form.append("file", archive, `${name}.zip`);
  const init = { method: "POST", body: form, headers: { Accept: "text/event-stream" } };
  for await (const event of events("/invok/deploy", init)) {
    const data = JSON.parse(event.data);
    if (event.type === "deployed") return data;
    if (event.type === "problem") throw new Problem(data);
    if (event.type === "log") whenLine?.(data.text);
  }
  throw new Problem({ detail: "The connection broke off.", next_step: "See under Versions how the deploy went." });
}

/**
 * The events of a stream (WHATWG HTML §9.2), which EventSource cannot ask for with a token.
 * @param {string} path
 * @param {RequestInit} init
 */
async function* events(path, init) {
  const response = await send(path, init);
  if (!response.body) return;
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  while (true) {
    const { value, done } = await reader.read();
    if (done) return;
    rest += value;
    const blocks = rest.split("\n\n");
    rest = blocks.pop() ?? "";
    for (const block of blocks) {
      const event = { type: "message", data: "", id: "" };
      for (const line of block.split("\n")) {
        if (line.startsWith("data: ")) event.data += line.slice(6);
        else if (line.startsWith("event: ")) event.type = line.slice(7);
        else if (line.startsWith("id: ")) event.id = line.slice(4);
      }
      if (event.data) yield event;
    }
  }
}

/**
 * Calls a function; its answer comes as events: `head`, `body` in pieces, `end` or `problem`.
 * @param {{uuid: string, name: string}} key
 * @param {{method: string, path?: string, headers?: {name: string, value: string}[], body?: string}} request
 * @param {AbortSignal} signal
 */
export const invoke = (key, request, signal) =>
  events(`${at(key)}/call`, {
    method: "POST", body: JSON.stringify(request), signal, headers: { "Content-Type": "application/json" },
  });

/**
 * The lines of a function's log, and then those that come.
 * @param {{uuid: string, name: string}} key
 * @param {{limit: number, grep?: string, where?: string[], after?: string}} filter
 * @param {AbortSignal} signal
 */
export function follow(key, filter, signal) {
  const query = new URLSearchParams({ limit: String(filter.limit) });
  if (filter.grep) query.set("grep", filter.grep);
  for (const condition of filter.where ?? []) query.append("where", condition);
  const headers = filter.after ? { "Last-Event-ID": filter.after } : undefined;
  return events(`/invok/logs/${key.uuid}/${encodeURIComponent(key.name)}?${query}`, { signal, headers });
}
