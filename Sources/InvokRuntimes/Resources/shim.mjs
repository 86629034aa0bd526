// Serves a function on the socket that Invok hands over.
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { load } from "./entry.mjs";
import { Instance } from "./instance.mjs";

const bundle = dirname(dirname(fileURLToPath(import.meta.url)));
const instance = new Instance();
// What waits for a server that nobody starts would end without a word.
const endsUnserved = () => {
  console.error("invok: the function exports nothing that answers, and no server of its own listens");
  process.exit(1);
};
process.once("beforeExit", endsUnserved);
try {
  instance.serve(await load(bundle, (promise) => instance.keep(promise)));
} catch (error) {
  // What the project's own code throws tells where; what it lacks is said in a sentence.
  if (error?.name !== "UnknownShape") console.error(error);
  const sentence = error?.name === "UnknownShape" ? error.message : lacking(error);
  if (sentence) console.error(`invok: ${sentence}`);
  process.exit(1);
}

/// What to do about a package that is not there.
function lacking(error) {
  if (!["MODULE_NOT_FOUND", "ERR_MODULE_NOT_FOUND"].includes(error?.code)) return undefined;
  const name = /^Cannot find (?:module|package) '((?:@[^'/]+\/)?[^'./][^'/]*)/.exec(error.message)?.[1];
  return name && `nothing installs '${name}', which the function needs; run 'npm install ${name}' and deploy again`;
}
