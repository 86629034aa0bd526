// Whatever takes node's own request and response: servers, and the applications of frameworks.
import { Server } from "node:http";

/// What answers a call, with the target that it is to see, or undefined for what is no such thing.
export function listenerOf(value) {
  if (value instanceof Server) return guarded((incoming, outgoing) => value.emit("request", incoming, outgoing));
  // Express, Connect: a function that is an application.
  if (typeof value === "function" && typeof value.handle === "function" && typeof value.use === "function") return guarded(value);
  // Koa makes a listener, Fastify has one once it is ready.
  if (typeof value.callback === "function" && Array.isArray(value.middleware)) return guarded(value.callback());
  if (typeof value.routing === "function" && typeof value.ready === "function") {
    const ready = value.ready();
    return guarded(async (incoming, outgoing) => {
      await ready;
      value.routing(incoming, outgoing);
    });
  }
  return undefined;
}

function guarded(listener) {
  return (call, target) => {
    call.incoming.url = target;
    holdToLength(call);
    return listener(call.incoming, call.outgoing);
  };
}

/// An answer that is shorter than the length that it says would keep its caller waiting: its connection ends.
export function holdToLength({ incoming, outgoing }) {
  const { socket } = incoming;
  const before = socket.bytesWritten;
  outgoing.on("finish", () => {
    const head = outgoing._header ?? "";
    const declared = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
    if (declared === undefined || incoming.method === "HEAD" || [204, 304].includes(outgoing.statusCode)) return;
    const sent = socket.bytesWritten - before - Buffer.byteLength(head, "latin1");
    if (sent === Number(declared)) return;
    console.error(`the answer says Content-Length ${declared}, but has ${sent} bytes: ${incoming.method} ${incoming.url}`);
    socket.destroy();
  });
}
