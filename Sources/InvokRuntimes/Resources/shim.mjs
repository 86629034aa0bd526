// Serves a function on the socket that Invok hands over.
import { createServer } from "node:http";
import { dirname } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { answer, fail } from "./answer.mjs";
import { handlerOf, sourceFile } from "./entry.mjs";

const bundle = dirname(dirname(fileURLToPath(import.meta.url)));
const file = sourceFile(bundle);
const handler = file && handlerOf(await import(pathToFileURL(file).href));
if (!handler) {
  console.error(`${file ?? "function.js"} needs 'export default async (request) => Response'`);
  process.exit(1);
}

// The core in front decides when a connection ends and how long a request may take; timers here would only race with it.
const options = {
  keepAliveTimeout: 0,
  headersTimeout: 0,
  requestTimeout: 0,
  connectionsCheckingInterval: 2 ** 31 - 1,
  maxHeaderSize: 64 * 1024,
};

let isStopping = false;

const server = createServer(options, async (incoming, outgoing) => {
  if (incoming.url === "/_invok/ready") return outgoing.end();
  // Once stopping, a connection that was busy is idle as soon as it has answered.
  outgoing.on("close", () => isStopping && server.closeIdleConnections());
  try {
    await answer(handler, incoming, outgoing);
  } catch (error) {
    fail(error, incoming, outgoing);
  }
});

// Who half-closes waits no more, but wants to know when the handler has done: the connection ends with the answer.
server.httpAllowHalfOpen = true;

process.on("SIGTERM", () => {
  isStopping = true;
  server.close(() => process.exit(0));
});

server.on("error", (error) => {
  console.error(`invok: the server stopped: ${error.message}`);
  process.exit(1);
});
server.listen({ fd: 3 });
