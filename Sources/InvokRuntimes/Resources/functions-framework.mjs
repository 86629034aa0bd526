// What a module finds under the name @google-cloud/functions-framework: a register of functions.
import { UnknownShape } from "./shapes.mjs";

export const functions = new Map();

export function http(name, handler) {
  functions.set(name, handler);
}

function refuse(kind) {
  return (name) => {
    throw new UnknownShape(
      `'${name}' is a ${kind} function of functions-framework, which takes events that Invok does not send; ` +
        `register it by http('${name}', (req, res) => …)`,
    );
  };
}

export const cloudEvent = refuse("cloudEvent");
export const typed = refuse("typed");
export default { http, cloudEvent, typed };
