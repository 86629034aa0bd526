// Turns node's messages into those of the fetch standard and back, streaming both bodies.

const withoutBody = new Set(["GET", "HEAD"]);
const forbiddenMethods = new Set(["CONNECT", "TRACE", "TRACK"]);
const hopByHop = new Set(["connection", "keep-alive", "transfer-encoding", "upgrade", "trailer"]);

/// Answers one request with what the handler returns. Rejects when the handler fails or returns what is no answer.
export async function answer(handler, incoming, outgoing) {
  const aborter = new AbortController();
  const gone = () => outgoing.writableFinished || aborter.abort();
  // Half of the connection ends when nobody waits any more, all of it when nobody even wants to know.
  incoming.socket.once("end", gone);
  outgoing.on("close", () => {
    incoming.socket.off("end", gone);
    gone();
  });
  const request = requestOf(incoming, aborter.signal);
  const response = responseOf(await handler(request));

  for (const [name, value] of response.headers) {
    if (name !== "set-cookie" && !hopByHop.has(name)) outgoing.setHeader(name, value);
  }
  const cookies = response.headers.getSetCookie();
  if (cookies.length) outgoing.setHeader("Set-Cookie", cookies);
  outgoing.statusCode = response.status;
  if (response.statusText) outgoing.statusMessage = response.statusText;
  // A body that nobody reads would keep the connection from its next request, so the connection ends with the answer.
  const isRead = request.bodyUsed || request.body?.locked || request.body === response.body;
  if (!incoming.complete && !isRead && hasBody(incoming)) outgoing.setHeader("Connection", "close");

  if (!response.body) {
    if (incoming.method !== "HEAD" && response.status !== 204 && response.status !== 304) {
      outgoing.setHeader("Content-Length", 0);
    }
    outgoing.end();
  } else if (incoming.method === "HEAD") {
    await response.body.cancel();
    outgoing.end();
  } else {
    await pump(response.body, outgoing, aborter.signal);
  }
}

const hasBody = (incoming) =>
  incoming.headers["transfer-encoding"] !== undefined || Number(incoming.headers["content-length"] ?? 0) > 0;

function requestOf(incoming, signal) {
  const { method, headers: known, rawHeaders } = incoming;
  const url = new URL(incoming.url.startsWith("/") ? `http://${known.host ?? "localhost"}${incoming.url}` : incoming.url);
  const headers = new Headers();
  for (let index = 0; index < rawHeaders.length; index += 2) headers.append(rawHeaders[index], rawHeaders[index + 1]);

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

function responseOf(result) {
  if (result instanceof Response) return result;
  if (result === undefined || result === null) return new Response(null, { status: 204 });
  if (typeof result === "string") return new Response(result);
  if (result instanceof Uint8Array || result instanceof ArrayBuffer) {
    return new Response(result, { headers: { "Content-Type": "application/octet-stream" } });
  }
  // A Response of another realm or library has the same parts.
  if (typeof result.headers?.getSetCookie === "function" && typeof result.status === "number") return result;
  if (typeof result === "object") return Response.json(result);
  throw new TypeError(`a handler cannot return a ${typeof result}`);
}

/// Writes the body as fast as the caller reads, and stops making it when the caller has gone.
async function pump(body, outgoing, signal) {
  const reader = body.getReader();
  const gone = new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
  let drained;
  outgoing.on("drain", () => drained?.());
  for (;;) {
    const part = await Promise.race([reader.read(), gone.then(() => undefined)]);
    if (part === undefined) {
      await reader.cancel("the caller went away").catch(() => {});
      return void outgoing.destroy();
    }
    if (part.done) break;
    const chunk = typeof part.value === "string" ? Buffer.from(part.value) : part.value;
    if (!outgoing.write(chunk) && !signal.aborted) {
      await Promise.race([new Promise((resolve) => (drained = resolve)), gone]);
    }
  }
  outgoing.end();
}

/// Logs the error and answers 500; an answer that has begun is cut short, so that nobody takes it for whole.
export function fail(error, incoming, outgoing) {
  const id = incoming.headers["x-invok-request-id"] ?? "";
  console.error(`request ${id} failed: ${incoming.method} ${incoming.url}\n${error?.stack ?? error}`);
  if (outgoing.headersSent) return void outgoing.destroy();
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
