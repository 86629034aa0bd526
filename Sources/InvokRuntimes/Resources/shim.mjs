// Serves a function on the socket that Invok hands over.
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { load } from "./entry.mjs";
import { Instance } from "./instance.mjs";

const bundle = dirname(dirname(fileURLToPath(import.meta.url)));
const instance = new Instance();
try {
  instance.serve(await load(bundle, (promise) => instance.keep(promise)));
} catch (error) {
  // What the project's own code throws tells where; what it lacks is said in a sentence.
  console.error(error?.name === "UnknownShape" ? error.message : error);
  process.exit(1);
}
