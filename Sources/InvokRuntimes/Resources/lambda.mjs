// Functions as AWS Lambda calls them at a function URL (payload format 2.0), `(event, context)` or with a callback; and those
// of OpenFaaS, which have the same parameters and mean others.
import { send } from "./answer.mjs";

// MARK: What they answer

const answerKeys = new Set(["statusCode", "headers", "multiValueHeaders", "cookies", "body", "isBase64Encoded"]);

/// Whether an object that a function returned is an answer for a gateway, and not data that happens to have such a key.
export const isGatewayAnswer = (value) =>
  Number.isInteger(value.statusCode) && Object.keys(value).every((key) => answerKeys.has(key));

export function gatewayResponse({ statusCode, headers, multiValueHeaders, cookies, body, isBase64Encoded }) {
  const fields = new Headers();
  for (const [name, value] of Object.entries(headers ?? {})) {
    if (value !== undefined && value !== null) fields.set(name, String(value));
  }
  for (const [name, values] of Object.entries(multiValueHeaders ?? {})) {
    fields.delete(name);
    for (const value of [values].flat()) fields.append(name, String(value));
  }
  for (const cookie of cookies ?? []) fields.append("Set-Cookie", String(cookie));
  const text = body === undefined || body === null || typeof body === "string" ? (body ?? "") : JSON.stringify(body);
  if (text !== body && text && !fields.has("content-type")) fields.set("Content-Type", "application/json");
  const bytes = Buffer.from(text, isBase64Encoded ? "base64" : "utf8");
  const isEmpty = [204, 205, 304].includes(statusCode);
  if (!isEmpty && bytes.length && !fields.has("content-type")) {
    fields.set("Content-Type", isJSON(text) ? "application/json" : "text/plain; charset=utf-8");
  }
  return new Response(isEmpty ? null : bytes, { status: statusCode, headers: fields });
}

/// Lambda says `application/json` where nothing is said; text that is none stays text here.
function isJSON(text) {
  try {
    return /^\s*[{[]/.test(text) && JSON.parse(text) !== undefined;
  } catch {
    return false;
  }
}

/// What Lambda's gateway makes of a result (payload format 2.0): without a status it is the body, as JSON.
function responseOf(result) {
  if (result instanceof Response) return result;
  if (typeof result === "object" && result !== null && "statusCode" in result) {
    const statusCode = Number(result.statusCode);
    if (!Number.isInteger(statusCode)) {
      throw new TypeError(`the function answered with statusCode ${result.statusCode}, which is no status`);
    }
    return gatewayResponse({ ...result, statusCode });
  }
  const body = typeof result === "string" ? result : (JSON.stringify(result) ?? "null");
  return new Response(body, { headers: { "Content-Type": "application/json" } });
}

// MARK: What they get

const textTypes = /^(text\/|application\/(json|javascript|xml|x-www-form-urlencoded|graphql)\b|[^;]*\+(json|xml)\b)/i;

async function bodyOf(incoming) {
  const chunks = [];
  for await (const chunk of incoming.iterator({ destroyOnReturn: false })) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function eventOf(incoming, target) {
  const { headers: fields, method } = incoming;
  const { cookie, ...headers } = fields;
  for (const [name, value] of Object.entries(headers)) if (Array.isArray(value)) headers[name] = value.join(",");
  const [rawPath, rawQueryString = ""] = split(target);
  const bytes = await bodyOf(incoming);
  const isText = textTypes.test(fields["content-type"] ?? "") || !fields["content-type"];
  const text = isText ? utf8(bytes) : undefined;
  const query = queryOf(rawQueryString);
  const now = new Date();
  const event = {
    version: "2.0",
    routeKey: "$default",
    rawPath,
    rawQueryString,
    headers,
    requestContext: {
      accountId: "anonymous",
      apiId: process.env.INVOK_FUNCTION_NAME ?? "",
      domainName: fields.host ?? "localhost",
      domainPrefix: (fields.host ?? "localhost").split(".")[0],
      http: {
        method,
        path: rawPath,
        protocol: "HTTP/1.1",
        sourceIp: fields["x-real-ip"] ?? "",
        userAgent: fields["user-agent"] ?? "",
      },
      requestId: fields["x-invok-request-id"] ?? "",
      routeKey: "$default",
      stage: "$default",
      time: commonLogTime(now),
      timeEpoch: now.getTime(),
    },
    isBase64Encoded: bytes.length > 0 && text === undefined,
    // What format 1.0 and Netlify's functions call these; nothing in format 2.0 has the names.
    httpMethod: method,
    path: rawPath,
  };
  // What there is none of is left out, as the gateway does.
  if (cookie) event.cookies = cookie.split(/; */);
  if (rawQueryString) event.queryStringParameters = query;
  if (bytes.length) event.body = text ?? bytes.toString("base64");
  return event;
}

function split(target) {
  const at = target.indexOf("?");
  return at < 0 ? [target] : [target.slice(0, at), target.slice(at + 1)];
}

function queryOf(text) {
  const query = {};
  for (const [name, value] of new URLSearchParams(text)) {
    query[name] = Object.hasOwn(query, name) ? `${query[name]},${value}` : value;
  }
  return query;
}

function utf8(bytes) {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/// 12/Mar/2020:19:03:58 +0000
function commonLogTime(date) {
  const [, day, month, year, time] = /^\w+, (\d+) (\w+) (\d+) ([\d:]+)/.exec(date.toUTCString());
  return `${day}/${month}/${year}:${time} +0000`;
}

function contextOf(requestID, settle) {
  const deadline = Date.now() + 1000 * Number(process.env.INVOK_TIMEOUT_SECONDS ?? 30);
  const name = process.env.INVOK_FUNCTION_NAME ?? "";
  return {
    functionName: name,
    functionVersion: "$LATEST",
    invokedFunctionArn: `invok:${name}`,
    awsRequestId: requestID,
    logGroupName: `/aws/lambda/${name}`,
    logStreamName: name,
    callbackWaitsForEmptyEventLoop: true,
    getRemainingTimeInMillis: () => Math.max(0, deadline - Date.now()),
    succeed: (result) => settle(null, result),
    fail: (error) => settle(error ?? new Error("the function failed")),
    done: settle,
  };
}

// MARK: How they are called

function failure(error) {
  if (error instanceof Error) return error;
  return new Error(typeof error === "string" ? error : JSON.stringify(error));
}

/// Answers calls by a function of `(event, context, callback)`.
export const lambda = (handler) => async (call, target) => {
  const event = await eventOf(call.incoming, target);
  const result = await new Promise((resolve, reject) => {
    const settle = (error, result) => (error ? reject(failure(error)) : resolve(result));
    const returned = handler(event, contextOf(event.requestContext.requestId, settle), settle);
    if (typeof returned?.then === "function") return void returned.then(resolve, reject);
    // What else it returns counts only where it has no other way to answer.
    const answersLater = handler.length > 2 || /\.\s*(succeed|fail|done)\s*\(/.test(Function.prototype.toString.call(handler));
    if (!answersLater) resolve(returned);
  });
  await send(responseOf(result), call);
};

/// Answers calls by a function of OpenFaaS's node templates: `context.status(200).succeed(body)`.
export const openFaaS = (handler) => async (call, target) => {
  const { incoming } = call;
  const bytes = await bodyOf(incoming);
  const type = incoming.headers["content-type"] ?? "";
  const [path, query = ""] = split(target);
  const text = utf8(bytes) ?? bytes;
  const body = /\bjson\b/i.test(type) && bytes.length ? JSON.parse(text) : /urlencoded/i.test(type) ? queryOf(text) : text;
  const event = { body, headers: incoming.headers, method: incoming.method, path, query: queryOf(query) };
  let [status, fields] = [200, {}];
  const result = await new Promise((resolve, reject) => {
    const settle = (error, value) => (error ? reject(failure(error)) : resolve(value));
    const context = {
      status(code) {
        if (code === undefined) return status;
        status = code;
        return context;
      },
      headers(given) {
        if (given === undefined) return fields;
        fields = given;
        return context;
      },
      succeed: (value) => {
        settle(null, value);
        return context;
      },
      fail: (error) => settle(error ?? new Error("the function failed")),
      cb: settle,
    };
    const returned = handler(event, context, settle);
    if (typeof returned?.then === "function") {
      returned.then((value) => (value === context || value === undefined ? undefined : resolve(value)), reject);
    } else if (returned !== undefined && returned !== context) {
      resolve(returned);
    }
  });
  await send(gatewayResponse({ statusCode: status, headers: fields, body: result }), call);
};
