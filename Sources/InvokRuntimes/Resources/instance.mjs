// What an instance has begun, and how it ends: at once, or once that is answered.
import { createServer } from "node:http";
import { Server } from "node:net";
import { fail, traced } from "./answer.mjs";

/// How long promises given to `waitUntil` may go on once nothing else does.
const backgroundMilliseconds = 5000;

// The core in front decides when a connection ends and how long a request may take; timers here would only race with it.
const options = {
  keepAliveTimeout: 0,
  headersTimeout: 0,
  requestTimeout: 0,
  connectionsCheckingInterval: 2 ** 31 - 1,
  maxHeaderSize: 64 * 1024,
};

const causes = {
  exit: "the function wants to exit",
  uncaughtException: "an error that nothing caught",
  unhandledRejection: "a rejected promise that nothing handled",
};

export class Instance {
  #calls = new Set();
  #background = new Set();
  #server;
  /// The exit status, once it stops.
  #status;
  /// What a function was told that wanted to exit.
  #exit;

  /// Keeps the instance until the promise is settled. Whoever gave it does not hear of its failure, the log does.
  keep(promise) {
    const settled = Promise.resolve(promise)
      .catch((error) => console.error(`a promise given to waitUntil was rejected: ${traced(error)}`))
      .finally(() => this.#background.delete(settled));
    this.#background.add(settled);
  }

  /// Answers every request by `handle(call)`.
  serve(handle) {
    const server = (this.#server = createServer(options, async (incoming, outgoing) => {
      if (incoming.url === "/_invok/ready") return outgoing.end();
      const call = this.#begin(incoming, outgoing);
      try {
        await handle(call);
      } catch (error) {
        fail(error, call);
      }
    }));
    // Who half-closes waits no more, but wants to know when the handler has done: the connection ends with the answer.
    server.httpAllowHalfOpen = true;
    process.on("SIGTERM", () => this.#stop(0));
    process.on("uncaughtException", (error, origin) => this.#breakDown(error, origin));
    // A function that exits means its own request, not those of its neighbours.
    process.exit = (code = process.exitCode) => {
      const error = new Error(`process.exit(${code ?? ""}) was called`);
      Error.captureStackTrace(error, process.exit);
      this.#breakDown(error, "exit");
      throw error;
    };
    server.on("error", (error) => {
      console.error(`invok: the server stopped: ${error.message}`);
      process.exit(1);
    });
    // A function's own servers listen nowhere (platforms.mjs), this one does.
    Server.prototype.listen.call(server, { fd: 3 });
  }

  #begin(incoming, outgoing) {
    const aborter = new AbortController();
    const call = { incoming, outgoing, signal: aborter.signal };
    const gone = () => {
      if (outgoing.writableFinished) return;
      aborter.abort();
      this.#endIfDone();
    };
    this.#calls.add(call);
    // Half of the connection ends when nobody waits any more, all of it when nobody even wants to know.
    incoming.socket.once("end", gone);
    outgoing.on("close", () => {
      incoming.socket.off("end", gone);
      this.#calls.delete(call);
      gone();
      if (this.#status === undefined) return;
      // Once stopping, a connection that was busy is idle as soon as it has answered.
      this.#server.closeIdleConnections();
      this.#endIfDone();
    });
    return call;
  }

  /// An error that nothing caught may have left anything half done: this instance takes nothing any more, and what others
  /// wait for it still answers.
  #breakDown(error, origin) {
    if (error === this.#exit) return;
    // A function that listens for it itself has decided to go on.
    if (origin !== "exit" && process.listenerCount("uncaughtException") > 1) return;
    if (origin === "exit") this.#exit = error;
    const what = causes[origin];
    console.error(`${what}: this instance answers what it has begun, and is replaced\n${traced(error)}`);
    // What has connected already is heard first: it would be refused without having been asked to go elsewhere.
    setImmediate(() => setImmediate(() => this.#stop(1)));
  }

  #stop(status) {
    if (this.#status !== undefined) return;
    this.#status = status;
    this.#server.close();
    this.#endIfDone();
  }

  #endIfDone() {
    if (this.#status === undefined) return;
    // After an error, what nobody waits for may never end.
    const isAwaited = (call) => this.#status === 0 || !call.signal.aborted;
    for (const call of this.#calls) if (isAwaited(call)) return;
    const end = () => process.reallyExit(this.#status);
    if (this.#background.size === 0) return end();
    setTimeout(end, backgroundMilliseconds);
    Promise.all(this.#background).then(end);
  }
}
