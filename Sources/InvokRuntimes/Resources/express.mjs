// Functions of a request and a response, `(req, res)`, as Express, Vercel and Google's functions-framework call them.
import { IncomingMessage, ServerResponse, STATUS_CODES } from "node:http";
import { responseOf, send } from "./answer.mjs";
import { holdToLength } from "./listener.mjs";

/// What answers a call by such a function.
export const answeringBy = (handler) => async (call, target) => {
  const { incoming, outgoing } = call;
  const request = await FunctionRequest.reading(incoming, target);
  Object.setPrototypeOf(outgoing, FunctionResponse.prototype);
  outgoing.req = request;
  request.res = outgoing;
  holdToLength(call);
  if (request.fault) return void outgoing.status(400).type("txt").send(`${request.fault}\n`);
  let next;
  const passed = new Promise((resolve, reject) => {
    next = (error) => (error ? reject(error) : resolve(outgoing.writableEnded ? undefined : outgoing.sendStatus(404)));
  });
  const result = await Promise.race([handler(request, outgoing, next), passed]);
  // Some return what they mean to send.
  if (result instanceof Response && !outgoing.headersSent) await send(await responseOf(result), call);
};

/// A request whose body is there already, parsed as its type says, and may be read as a stream all the same.
class FunctionRequest extends IncomingMessage {
  static async reading(incoming, target) {
    const chunks = [];
    for await (const chunk of incoming.iterator({ destroyOnReturn: false })) chunks.push(chunk);
    const request = new FunctionRequest(incoming.socket);
    for (const name of ["method", "rawHeaders", "rawTrailers", "httpVersion", "httpVersionMajor", "httpVersionMinor"]) {
      request[name] = incoming[name];
    }
    request.headers = incoming.headers;
    request.url = request.originalUrl = target;
    request.baseUrl = "";
    request.params = {};
    request.complete = true;
    const bytes = Buffer.concat(chunks);
    if (bytes.length) {
      request.rawBody = bytes;
      request.push(bytes);
    }
    request.push(null);
    try {
      request.body = parsed(bytes, request);
    } catch {
      request.fault = "the body is not the JSON that the request says it is";
    }
    return request;
  }

  get #url() {
    return new URL(`http://localhost${this.url.startsWith("/") ? "" : "/"}${this.url}`);
  }

  get path() {
    return this.url.split("?")[0];
  }

  get query() {
    const query = {};
    for (const [name, value] of this.#url.searchParams) {
      query[name] = Object.hasOwn(query, name) ? [query[name], value].flat() : value;
    }
    return query;
  }

  get cookies() {
    const cookies = {};
    for (const part of (this.headers.cookie ?? "").split(";")) {
      const at = part.indexOf("=");
      if (at < 0) continue;
      const value = part.slice(at + 1).trim().replace(/^"(.*)"$/, "$1");
      cookies[part.slice(0, at).trim()] ??= decoded(value);
    }
    return cookies;
  }

  get protocol() {
    return this.headers["x-forwarded-proto"] ?? "http";
  }

  get secure() {
    return this.protocol === "https";
  }

  get ip() {
    return this.headers["x-real-ip"] ?? "127.0.0.1";
  }

  get ips() {
    return (this.headers["x-forwarded-for"] ?? "").split(",").map((each) => each.trim()).filter(Boolean);
  }

  get hostname() {
    return (this.headers["x-forwarded-host"] ?? this.headers.host ?? "").replace(/:\d+$/, "");
  }

  get xhr() {
    return this.headers["x-requested-with"]?.toLowerCase() === "xmlhttprequest";
  }

  get(name) {
    const lower = name.toLowerCase();
    return lower === "referrer" ? (this.headers.referrer ?? this.headers.referer) : this.headers[lower];
  }

  header(name) {
    return this.get(name);
  }

  /// Whether the body's type is one of these: `json`, `text/html`, `text/*`.
  is(...types) {
    const type = (this.headers["content-type"] ?? "").split(";")[0].trim().toLowerCase();
    if (!type) return null;
    const fits = (each) => {
      const full = each.includes("/") ? each : (mimeTypes[each] ?? each).split(";")[0];
      return full === type || (full.endsWith("/*") && type.startsWith(full.slice(0, -1)));
    };
    return types.flat().find(fits) === undefined ? false : type;
  }
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/// The body as functions-framework gives it: JSON and forms as values, text as a string, anything else as bytes.
function parsed(bytes, request) {
  if (bytes.length === 0) return request.is("json", "urlencoded") ? {} : undefined;
  const type = request.headers["content-type"] ?? "";
  if (/^application\/(?:[\w.-]+\+)?json\b/i.test(type)) return JSON.parse(bytes.toString());
  if (/^application\/x-www-form-urlencoded\b/i.test(type)) {
    const form = {};
    for (const [name, value] of new URLSearchParams(bytes.toString())) {
      form[name] = Object.hasOwn(form, name) ? [form[name], value].flat() : value;
    }
    return form;
  }
  return /^text\//i.test(type) ? bytes.toString() : bytes;
}

const mimeTypes = {
  bin: "application/octet-stream",
  css: "text/css; charset=utf-8",
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  json: "application/json; charset=utf-8",
  png: "image/png",
  svg: "image/svg+xml",
  text: "text/plain; charset=utf-8",
  txt: "text/plain; charset=utf-8",
  urlencoded: "application/x-www-form-urlencoded",
  xml: "application/xml; charset=utf-8",
};

/// A response with what Express adds to node's.
class FunctionResponse extends ServerResponse {
  status(code) {
    this.statusCode = code;
    return this;
  }

  set(name, value) {
    if (typeof name === "object") {
      for (const [each, its] of Object.entries(name)) this.set(each, its);
      return this;
    }
    this.setHeader(name, Array.isArray(value) ? value.map(String) : String(value));
    return this;
  }

  header(name, value) {
    return this.set(name, value);
  }

  get(name) {
    return this.getHeader(name);
  }

  append(name, value) {
    const before = this.getHeader(name);
    return this.set(name, before === undefined ? value : [before, value].flat());
  }

  vary(name) {
    return this.append("Vary", name);
  }

  type(type) {
    return this.set("Content-Type", type.includes("/") ? type : (mimeTypes[type.replace(/^\./, "")] ?? mimeTypes.bin));
  }

  contentType(type) {
    return this.type(type);
  }

  location(url) {
    return this.set("Location", url);
  }

  redirect(...given) {
    const [status, url] = given.length > 1 && typeof given[0] === "number" ? given : [302, given[0]];
    this.status(status).location(url);
    return this.type("txt").send(`${STATUS_CODES[status]}. Redirecting to ${url}`);
  }

  cookie(name, value, options = {}) {
    const text = typeof value === "object" ? `j:${JSON.stringify(value)}` : String(value);
    const parts = [`${name}=${encodeURIComponent(text)}`, `Path=${options.path ?? "/"}`];
    if (options.maxAge !== undefined) parts.push(`Max-Age=${Math.floor(options.maxAge / 1000)}`);
    if (options.domain) parts.push(`Domain=${options.domain}`);
    if (options.expires) parts.push(`Expires=${options.expires.toUTCString()}`);
    if (options.httpOnly) parts.push("HttpOnly");
    if (options.secure) parts.push("Secure");
    if (options.sameSite) parts.push(`SameSite=${options.sameSite === true ? "Strict" : options.sameSite}`);
    return this.append("Set-Cookie", parts.join("; "));
  }

  clearCookie(name, options = {}) {
    return this.cookie(name, "", { ...options, expires: new Date(1), maxAge: undefined });
  }

  sendStatus(code) {
    return this.status(code).type("txt").send(STATUS_CODES[code] ?? String(code));
  }

  json(value) {
    if (!this.hasHeader("Content-Type")) this.type("json");
    return this.send(JSON.stringify(value) ?? "");
  }

  jsonp(value) {
    return this.json(value);
  }

  /// Text is HTML and bytes are bytes unless a type was set; anything else is JSON.
  send(body) {
    const isNothing = body === null || body === undefined;
    if (!isNothing && typeof body !== "string" && !ArrayBuffer.isView(body)) return this.json(body);
    if (!isNothing && !this.hasHeader("Content-Type")) this.type(typeof body === "string" ? "html" : "bin");
    const bytes = typeof body === "string" ? Buffer.from(body) : (body ?? Buffer.alloc(0));
    if (this.statusCode === 204 || this.statusCode === 304) {
      for (const name of ["Content-Type", "Content-Length", "Transfer-Encoding"]) this.removeHeader(name);
      return this.end();
    }
    this.setHeader("Content-Length", bytes.byteLength);
    return this.req.method === "HEAD" ? this.end() : this.end(bytes);
  }
}
