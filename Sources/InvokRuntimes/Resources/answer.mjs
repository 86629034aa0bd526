// Turns node's messages into those of the fetch standard and back, streaming both bodies.
import { inspect } from "node:util";

const withoutBody = new Set(["GET", "HEAD"]);
const forbiddenMethods = new Set(["CONNECT", "TRACE", "TRACK"]);
const hopByHop = new Set(["connection", "keep-alive", "transfer-encoding", "upgrade", "trailer"]);

/// The request as the fetch standard has it.
/// - target: what of its target the function sees.
export function requestOf({ incoming, signal }, target) {
  const { method, headers: known, rawHeaders } = incoming;
  const headers = new Headers();
  for (let index = 0; index < rawHeaders.length; index += 2) headers.append(rawHeaders[index], rawHeaders[index + 1]);
  // The server in front has checked who says so.
  const scheme = known["x-forwarded-proto"] === "https" ? "https" : "http";
  const url = target.startsWith("/") ? `${scheme}://${known.host || "localhost"}${target}` : target;

  const isForbidden = forbiddenMethods.has(method);
  const init = { method: isForbidden ? "POST" : method, headers, signal };
  if (!withoutBody.has(method) && hasBody(incoming)) {
    init.body = bodyOf(incoming);
    init.duplex = "half";
  }
  const request = new Request(url, init);
  // The fetch standard keeps browsers from sending these; a server may well receive them.
  if (isForbidden) Object.defineProperty(request, "method", { value: method });
  return request;
}

const hasBody = (incoming) =>
  incoming.headers["transfer-encoding"] !== undefined || Number(incoming.headers["content-length"] ?? 0) > 0;

/// A byte stream that reads from the connection only as fast as it is read.
function bodyOf(incoming) {
  const chunks = incoming[Symbol.asyncIterator]({ destroyOnReturn: false });
  return new ReadableStream(
    {
      async pull(controller) {
        const { value, done } = await chunks.next();
        if (done) controller.close();
        else controller.enqueue(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
      },
      cancel() {
        incoming.resume();
      },
    },
    { highWaterMark: 0 },
  );
}

/// What a handler returned, as a response. Throws for what is none.
export async function responseOf(result) {
  if (result instanceof Response) return result;
  if (result === undefined || result === null) return new Response(null, { status: 204 });
  if (typeof result === "string") return new Response(result);
  if (typeof result !== "object") throw new TypeError(`a handler cannot return a ${typeof result}`);
  if (result instanceof ArrayBuffer || ArrayBuffer.isView(result)) {
    return new Response(result, { headers: { "Content-Type": "application/octet-stream" } });
  }
  // A Response of another realm or library has the same parts.
  if (typeof result.headers?.getSetCookie === "function" && typeof result.status === "number") return result;
  for (const kind of [ReadableStream, Blob, FormData, URLSearchParams]) {
    if (result instanceof kind) return new Response(result);
  }
  if (typeof result[Symbol.asyncIterator] === "function") return new Response(ReadableStream.from(result));
  if (Number.isInteger(result.statusCode)) {
    const { isGatewayAnswer, gatewayResponse } = await import("./lambda.mjs");
    if (isGatewayAnswer(result)) return gatewayResponse(result);
  }
  return Response.json(result);
}

/// Sends the response. Rejects when it cannot be made to its end.
/// - request: what of the call has been read is seen by it; `undefined` where all has.
export async function send(response, call, request) {
  const { incoming, outgoing } = call;
  for (const [name, value] of response.headers) {
    if (name !== "set-cookie" && name !== "content-length" && !hopByHop.has(name)) outgoing.setHeader(name, value);
  }
  const cookies = response.headers.getSetCookie();
  if (cookies.length) outgoing.setHeader("Set-Cookie", cookies);
  outgoing.statusCode = response.status;
  if (response.statusText) outgoing.statusMessage = response.statusText;
  // A body that nobody reads would keep the connection from its next request, so the connection ends with the answer.
  const isRead = !request || request.bodyUsed || request.body?.locked || request.body === response.body;
  if (!incoming.complete && !isRead && hasBody(incoming)) outgoing.setHeader("Connection", "close");

  let length = lengthOf(response);
  // What `fetch` answers is inflated already.
  if (response.url && response.headers.has("content-encoding")) {
    outgoing.removeHeader("content-encoding");
    length = undefined;
  }
  if (incoming.method === "HEAD" || response.status === 204 || response.status === 304) {
    // Of what is not sent the length may be said, but not with 204 (RFC 9110 §8.6).
    if (length !== undefined && response.status !== 204) outgoing.setHeader("Content-Length", length);
    await response.body?.cancel();
    outgoing.end();
  } else if (response.body) {
    await pump(response.body, length, call);
  } else {
    endWith(Buffer.alloc(0), length, call);
  }
}

/// The length that the response says it has, if it is one.
function lengthOf(response) {
  const text = response.headers.get("content-length");
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

/// Sends a body that is whole, with its true length.
function endWith(bytes, length, { incoming, outgoing }) {
  if (length !== undefined && length !== bytes.length) {
    const truth = `it has ${bytes.length} bytes, which were sent`;
    console.error(`${nameOf(incoming)}: the answer says Content-Length ${length}, but ${truth}`);
  }
  outgoing.setHeader("Content-Length", bytes.length);
  outgoing.end(bytes);
}

const late = Symbol("late");
const gone = Symbol("gone");
/// What is read, if it is there already, else `late`. Most is after a few turns of the queue of promises, which cost less than
/// one of the event loop.
async function atOnce(reading) {
  let part;
  reading.then(
    (read) => (part = read),
    () => {},
  );
  for (let turn = 0; turn < 8; turn++) {
    await undefined;
    if (part) return part;
  }
  return Promise.race([reading, new Promise((resolve) => setImmediate(resolve, late))]);
}

/// Writes the body as fast as the caller reads, and stops making it when the caller has gone. What is whole at once gets its
/// true length; of a stream the length that was said must hold.
async function pump(body, length, call) {
  const { outgoing, signal } = call;
  let left = length;
  const checked = (bytes) => {
    if (length === undefined) return bytes;
    left -= bytes.length;
    if (left < 0) throw new Error(`the answer is longer than its Content-Length, ${length}`);
    return bytes;
  };
  const reader = body.getReader();
  let reading = reader.read();
  let part = await atOnce(reading);
  if (part.done) return endWith(Buffer.alloc(0), length, call);
  if (part !== late) {
    const bytes = bytesOf(part.value);
    reading = reader.read();
    part = await atOnce(reading);
    if (part.done) return endWith(bytes, length, call);
    if (length !== undefined) outgoing.setHeader("Content-Length", length);
    outgoing.write(checked(bytes));
  } else {
    // The head need not wait for what comes later.
    if (length !== undefined) outgoing.setHeader("Content-Length", length);
    outgoing.flushHeaders();
  }

  const leaves = new Promise((resolve) => {
    if (signal.aborted) resolve(gone);
    signal.addEventListener("abort", () => resolve(gone), { once: true });
  });
  let drained;
  outgoing.on("drain", () => drained?.());
  for (;;) {
    if (part === late) part = await Promise.race([reading, leaves]);
    if (part === gone || signal.aborted) {
      await reader.cancel("the caller went away").catch(() => {});
      return void outgoing.destroy();
    }
    if (part.done) break;
    if (!outgoing.write(checked(bytesOf(part.value)))) {
      await Promise.race([new Promise((resolve) => (drained = resolve)), leaves]);
    }
    reading = reader.read();
    part = late;
  }
  if (left > 0) throw new Error(`the answer ends ${left} bytes before its Content-Length, ${length}`);
  outgoing.end();
}

function bytesOf(value) {
  if (value instanceof Uint8Array) return value;
  if (typeof value === "string") return Buffer.from(value);
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  throw new TypeError(`the stream of a body has a ${typeof value} in it, which is not bytes`);
}

function nameOf({ headers, method, url }) {
  return `request ${headers["x-invok-request-id"] ?? ""}: ${method} ${headers["x-invok-target"] ?? url}`;
}

/// An error in words: where in the function it comes from and what caused it, and nothing of what else a library keeps in it.
export function traced(error, depth = 4) {
  if (typeof error?.stack !== "string") return inspect(error);
  const stack = error.stack.replace(/\n\s+at [^\n]*\/\.invok\/[^]*$/, "");
  const causes = [error.cause, error.errors].flat().filter((each) => each !== undefined);
  const told = depth > 0 ? causes.slice(0, 8).map((each) => `caused by: ${traced(each, depth - 1)}`) : [];
  return [stack, ...told].join("\n");
}

/// Logs the error and answers 500; an answer that has begun is cut short, so that nobody takes it for whole.
export function fail(error, { incoming, outgoing, signal }) {
  // Whoever was told that the caller has gone may say so by the same error.
  if (signal.aborted && error === signal.reason) return void outgoing.destroy();
  console.error(`${nameOf(incoming)} failed\n${traced(error)}`);
  if (outgoing.headersSent) return void outgoing.destroy();
  const id = incoming.headers["x-invok-request-id"] ?? "";
  const detail = "the function failed";
  const body = JSON.stringify({
    type: "about:blank",
    title: "Internal Server Error",
    status: 500,
    detail,
    code: "function_failed",
    request_id: id,
    error: detail,
  });
  for (const name of outgoing.getHeaderNames()) outgoing.removeHeader(name);
  outgoing.statusMessage = "Internal Server Error";
  outgoing.writeHead(500, { "Content-Type": "application/problem+json", "Content-Length": Buffer.byteLength(body) });
  outgoing.end(body);
}
