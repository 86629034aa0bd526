// What a module exports, and how it is called: the ways in which functions for other places are written, too.
import { requestOf, responseOf, send } from "./answer.mjs";

/// Said to whoever deploys, in place of a stack.
export class UnknownShape extends Error {
  name = "UnknownShape";
}

const methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// A way of being called.
/// - isApp: whether it is mounted: sees `/` where others see `/{name}`.
/// - make: takes the instance's `keep`, returns what answers a call with the target that it is to see.
class Shape {
  constructor(isApp, make) {
    this.isApp = isApp;
    this.make = make;
  }

  answering(keep) {
    const answer = this.make(keep);
    const mount = process.env.INVOK_MOUNT ?? (this.isApp ? "root" : "name");
    if (mount === "name") return (call) => answer(call, call.incoming.url);
    const prefix = `/${process.env.INVOK_FUNCTION_NAME}`;
    return (call) => {
      locate(call);
      return answer(call, below(prefix, call.incoming.url));
    };
  }
}

/// Has redirects to paths of a mounted function lead to where these are outside.
function locate({ incoming, outgoing }) {
  const prefix = incoming.headers["x-forwarded-prefix"];
  if (!prefix) return;
  const writeHead = outgoing.writeHead;
  outgoing.writeHead = function (status, ...given) {
    const fields = given.at(-1);
    if (Array.isArray(fields)) {
      for (let at = 0; at < fields.length - 1; at += 2) {
        if (/^location$/i.test(fields[at])) given[given.length - 1] = fields.with(at + 1, outside(prefix, fields[at + 1]));
      }
    } else if (fields && typeof fields === "object") {
      const located = (entry) => (/^location$/i.test(entry[0]) ? [entry[0], outside(prefix, entry[1])] : entry);
      given[given.length - 1] = Object.fromEntries(Object.entries(fields).map(located));
    }
    if (this.hasHeader("location")) this.setHeader("Location", outside(prefix, this.getHeader("location")));
    return writeHead.call(this, status, ...given);
  };
}

/// A path is one below the function's own place, unless it says where that is itself, or names a function beside it.
function outside(prefix, path) {
  if (typeof path !== "string" || !/^\/(?![/\\])/.test(path)) return path;
  if (path === prefix || path.startsWith(`${prefix}?`) || path.startsWith(prefix.replace(/[^/]*$/, ""))) return path;
  return prefix + path;
}

/// What of the target lies below the prefix.
function below(prefix, target) {
  if (!target.startsWith(prefix)) return target;
  const rest = target.slice(prefix.length);
  if (rest.startsWith("/")) return rest;
  return rest === "" || rest.startsWith("?") ? `/${rest}` : target;
}

/// What a module is to be called as, or undefined. Throws an `UnknownShape` for what is known and cannot be.
/// - symbol: the export that is meant.
export async function shapeOf(module, symbol, adapted = {}) {
  // TypeScript and bundlers make CommonJS modules whose default export is one level down.
  let main = module.default;
  if (main?.__esModule) main = main.default;
  if (symbol) {
    return (await adapted.registered?.(symbol)) ?? (await interpret(member(module, symbol) ?? member(main, symbol), symbol));
  }
  const own = await interpret(main, "default");
  if (own) return own;
  const inner = main && typeof main === "object" ? main : {};
  const exported = { ...inner, ...module };
  for (const name of ["handler", "fetch", "onRequest", "main"]) {
    if (typeof exported[name] !== "function") continue;
    return name === "fetch" ? fetchObject(exported) : interpret(exported[name], name);
  }
  if (methods.some((method) => typeof exported[method] === "function")) return byMethod(exported, methods, (method) => method);
  const pages = (method) => `onRequest${method[0]}${method.slice(1).toLowerCase()}`;
  if (methods.some((method) => typeof exported[pages(method)] === "function")) return byMethod(exported, methods, pages);
  const registered = await adapted.registered?.();
  if (registered) return registered;
  // A single export that says itself what it is.
  const others = Object.entries(exported).filter(([name]) => name !== "default" && name !== "module.exports");
  const told = others.filter(([, value]) => isTold(value));
  return told.length === 1 ? interpret(told[0][1], told[0][0]) : undefined;
}

/// What a name with dots means in an object.
const member = (object, name) => name.split(".").reduce((value, part) => value?.[part], object);

const isEvent = (name) => /^_?(event|evt)$/i.test(name ?? "");
const isAnswer = (name) => /^_?(res|resp|response|reply)$/i.test(name ?? "");
const isRequest = (name) => /^_?(req|request)$/i.test(name ?? "");

/// Whether a function's parameters say what it takes, or an object has what an application has.
function isTold(value) {
  if (typeof value?.fetch === "function" || typeof value?.handle === "function") return true;
  if (typeof value !== "function") return false;
  const [first, second] = parametersOf(value);
  return isEvent(first) || isAnswer(second);
}

/// - name: that of the export.
async function interpret(value, name) {
  if (value === null || (typeof value !== "function" && typeof value !== "object")) return undefined;
  if (typeof value.fetch === "function") return fetchObject(value);
  if (typeof value === "object" || typeof value.handle === "function") {
    const { listenerOf } = await import("./listener.mjs");
    const listener = listenerOf(value);
    if (listener) return server(listener);
  }
  if (typeof value === "object") return typeof value.default === "function" ? interpret(value.default, name) : undefined;
  return ofFunction(value, name);
}

async function ofFunction(value, name) {
  if (/^class\b/.test(Function.prototype.toString.call(value))) {
    throw new UnknownShape(
      `the export '${name}' is a class; export an object with a method fetch(request), ` +
        "or 'export default async (request) => Response'",
    );
  }
  const [first, second] = parametersOf(value);
  if (isAnswer(second)) return listening(value);
  if (/^(context|ctx)$/i.test(first ?? "") && isRequest(second)) {
    throw new UnknownShape(
      `'${name}' takes (${first}, ${second}) as Azure's functions do; write 'export default async (request) => Response'`,
    );
  }
  if (name === "onRequest" || name.startsWith("onRequest")) return fetchFunction(pagesHandler(value));
  if (isEvent(first) || (name === "handler" && !isRequest(first))) {
    if (/\b(status|headers)\s*\([^)]*\)\s*\.\s*(succeed|fail|headers)\b/.test(Function.prototype.toString.call(value))) {
      const { openFaaS } = await import("./lambda.mjs");
      return server(openFaaS(value));
    }
    const { lambda } = await import("./lambda.mjs");
    return server(lambda(value));
  }
  if (name === "main" && !isRequest(first)) {
    throw new UnknownShape(
      "'main' takes parameters as OpenWhisk's actions do; write 'export default async (request) => new Response(…)'",
    );
  }
  return fetchFunction(value);
}

/// The names of a function's parameters, empty for patterns.
function parametersOf(value) {
  const text = Function.prototype.toString.call(value).replace(/\/\*.*?\*\//gs, "").replace(/\/\/.*$/gm, "");
  const single = /^(?:async\s+)?([\w$]+)\s*=>/.exec(text);
  if (single) return [single[1]];
  let depth = 0;
  let part = "";
  const parts = [];
  for (const letter of text.slice(text.indexOf("(") + 1)) {
    if (depth === 0 && letter === ")") break;
    if ("([{".includes(letter)) depth += 1;
    if (")]}".includes(letter)) depth -= 1;
    if (depth === 0 && letter === ",") {
      parts.push(part);
      part = "";
    } else {
      part += letter;
    }
  }
  return [...parts, part].map((each) => /^\s*([\w$]*)/.exec(each)[1]);
}

// MARK: The fetch standard

/// What handlers get besides the request, as Cloudflare's do: the environment, and what concerns the instance.
function answeringFetch(handler) {
  return (keep) => {
    const context = { waitUntil: keep, passThroughOnException() {}, props: {} };
    return async (call, target) => {
      const request = requestOf(call, target);
      await send(await responseOf(await handler(request, process.env, context)), call, request);
    };
  };
}

const fetchFunction = (handler) => new Shape(false, answeringFetch(withContext(handler)));

/// A second parameter of that name is what Netlify, Vercel and Deno pass there, not Cloudflare's environment.
function withContext(handler) {
  if (!/^_?(context|ctx|info)$/i.test(parametersOf(handler)[1] ?? "")) return handler;
  return (request, env, context) => handler(request, { ...context, env, params: {} });
}

/// An object with `fetch`: a Hono application, a worker.
export const fetchObject = (object) => new Shape(true, answeringFetch((...given) => object.fetch(...given)));

/// - answer: takes a call and its target.
export const server = (answer) => new Shape(true, () => answer);

/// A function of node's or Express's request and response.
export async function listening(value) {
  const { answeringBy } = await import("./express.mjs");
  return new Shape(false, () => answeringBy(value));
}

/// A function for each method (RFC 9110 §9).
function byMethod(exported, names, exportOf) {
  const handlers = new Map();
  for (const name of names) {
    const handler = exported[exportOf(name)];
    if (typeof handler === "function") handlers.set(name, exportOf(name) === name ? withContext(handler) : pagesHandler(handler));
  }
  if (handlers.has("GET") && !handlers.has("HEAD")) handlers.set("HEAD", handlers.get("GET"));
  const allow = [...handlers.keys()].join(", ");
  return fetchFunction((request, ...rest) => {
    const handler = handlers.get(request.method);
    if (handler) return handler(request, ...rest);
    return new Response(null, { status: request.method === "OPTIONS" ? 204 : 405, headers: { Allow: allow } });
  });
}

/// Cloudflare's Pages hand over one object.
const pagesHandler = (handler) => (request, env, context) =>
  handler({
    request,
    env,
    params: {},
    data: {},
    functionPath: new URL(request.url).pathname,
    waitUntil: context.waitUntil,
    passThroughOnException() {},
    next: async () => new Response("not found\n", { status: 404 }),
  });
