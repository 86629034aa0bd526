// Modules that say what answers by a call instead of an export: servers that listen, Deno's and Bun's, workers of the
// old kind, and Google's functions-framework.
import { Server } from "node:http";
import { listenerOf } from "./listener.mjs";
import { fetchObject, listening, server, UnknownShape } from "./shapes.mjs";

/// Makes the calls that a module may make while it is loaded.
/// - adapts: which of those that no other module shall find are there, and what else the project calls.
/// Returns what they have told: `registered(name)` at once, `later()` once there is something.
export async function adaptations(adapts) {
  let first;
  let settle;
  const tells = new Promise((resolve) => (settle = resolve));
  const told = (shape) => settle((first ??= shape));
  if (adapts.includes("listen")) adoptServers(told);
  if (adapts.includes("deno")) globalThis.Deno ??= denoTelling(told);
  if (adapts.includes("bun")) globalThis.Bun ??= bunTelling(told);
  if (adapts.includes("worker")) globalThis.addEventListener ??= listenerTelling(told);
  if (adapts.includes("awslambda")) globalThis.awslambda ??= { streamifyResponse: refuseStreaming };
  let functions;
  if (adapts.includes("framework")) functions = (await import("./functions-framework.mjs")).functions;
  return {
    async registered(name) {
      if (!functions?.size) return undefined;
      if (name === undefined && functions.size > 1) {
        const names = [...functions.keys()];
        throw new UnknownShape(
          `${functions.size} functions are registered: ${names.join(", ")}; say which one in config.json, ` +
            `by "entry": "function.js:${names[0]}"`,
        );
      }
      const handler = functions.get(name ?? functions.keys().next().value);
      return handler && listening(handler);
    },
    // Some listen only once what they wait for is there.
    later: () => first ?? (["bun", "deno", "worker", "listen"].some((each) => adapts.includes(each)) ? tells : undefined),
  };
}

/// A server that listens is the function: it gets its requests from Invok's, and takes no port.
function adoptServers(told) {
  Server.prototype.listen = function (...given) {
    const callback = given.find((each) => typeof each === "function");
    if (callback) this.once("listening", callback);
    const port = Number(given[0]?.port ?? given[0]) || Number(process.env.PORT) || 3000;
    this.address = () => ({ address: "127.0.0.1", family: "IPv4", port });
    process.nextTick(() => this.emit("listening"));
    told(server(listenerOf(this)));
    return this;
  };
}

/// `Deno.serve(handler)`, `Deno.serve(options, handler)`, `Deno.serve({ handler })`, and what reads variables.
function denoTelling(told) {
  const address = { transport: "tcp", hostname: "127.0.0.1", port: 8000 };
  return {
    serve(...given) {
      const options = given.find((each) => typeof each === "object") ?? {};
      const handler = given.find((each) => typeof each === "function") ?? options.handler ?? options.fetch;
      if (typeof handler !== "function") throw new TypeError("Deno.serve needs a handler");
      const answer = (request) => {
        const hostname = request.headers.get("x-real-ip") ?? "";
        return handler(request, { remoteAddr: { transport: "tcp", hostname, port: 0 }, completed: Promise.resolve() });
      };
      told(fetchObject({ fetch: answer }));
      options.onListen?.(address);
      return { addr: address, finished: new Promise(() => {}), shutdown: async () => {}, ref() {}, unref() {} };
    },
    env: {
      get: (name) => process.env[name],
      has: (name) => name in process.env,
      set: (name, value) => void (process.env[name] = value),
      delete: (name) => void delete process.env[name],
      toObject: () => ({ ...process.env }),
    },
  };
}

/// `Bun.serve({ fetch })`.
function bunTelling(told) {
  return {
    env: process.env,
    serve(options) {
      if (options.routes || options.static || typeof options.fetch !== "function") {
        throw new UnknownShape("Bun.serve's routes are Bun's own; write them in its fetch(request), or export a router's app");
      }
      const port = Number(options.port ?? process.env.PORT) || 3000;
      const own = {
        hostname: "127.0.0.1",
        port,
        url: new URL(`http://127.0.0.1:${port}`),
        requestIP: (request) => ({ address: request.headers.get("x-real-ip") ?? "", family: "IPv4", port: 0 }),
        stop: async () => {},
        ref() {},
        unref() {},
        // No request of a WebSocket is handed on to Node's functions.
        upgrade: () => false,
      };
      told(fetchObject({ fetch: (request) => options.fetch.call(own, request, own) }));
      return own;
    },
  };
}

function refuseStreaming() {
  throw new UnknownShape(
    "awslambda.streamifyResponse streams in a way of Lambda's own; write " +
      "'export default async (request) => new Response(stream)'",
  );
}

/// `addEventListener("fetch", (event) => event.respondWith(…))`.
function listenerTelling(told) {
  return (type, listener) => {
    if (type !== "fetch") return;
    const handle = listener.handleEvent?.bind(listener) ?? listener;
    const answer = (request, _, { waitUntil }) => {
      let given;
      handle({
        type: "fetch",
        request,
        waitUntil,
        passThroughOnException() {},
        respondWith(response) {
          given = response;
        },
      });
      if (given === undefined) throw new Error("nothing called event.respondWith");
      return given;
    };
    told(fetchObject({ fetch: answer }));
  };
}
