// Finds and loads the function of a bundle.
import { existsSync } from "node:fs";
import { join } from "node:path";

const names = ["function.ts", "function.mjs", "function.js"];

/// The path of the bundle's source file, or undefined.
export const sourceFile = (bundle) => names.map((name) => join(bundle, name)).find(existsSync);

/// The function that a module exports: `export default`, `module.exports`, or an object with `fetch`.
export function handlerOf(module) {
  let exported = module.default;
  // TypeScript and bundlers make CommonJS modules whose default export is one level down.
  if (exported?.__esModule) exported = exported.default;
  if (typeof exported === "function") return exported;
  if (typeof exported?.fetch === "function") return exported.fetch.bind(exported);
  if (typeof exported?.default === "function") return exported.default;
  return undefined;
}
