// Finds and loads the function of a bundle.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { shapeOf, UnknownShape } from "./shapes.mjs";

const extensions = ["ts", "tsx", "mts", "cts", "mjs", "cjs", "jsx", "js"];

/// Where the function is: the path below the bundle, or undefined, and the name of the export, if config.json says it.
export function entryOf(bundle, given = process.env.INVOK_ENTRY) {
  const [, path, symbol] = /^(.*?)(?::([^:/]+))?$/.exec(given ?? "");
  const names = path ? [path] : extensions.map((each) => `function.${each}`);
  return { path: names.find((name) => existsSync(join(bundle, name))), symbol, asked: path };
}

/// Loads the function.
/// - keep: takes promises that the instance is to wait for.
/// Returns what answers a call. Throws an `UnknownShape` for what is no function, and what the function's code throws.
export async function load(bundle, keep) {
  const { path, symbol, asked } = entryOf(bundle);
  if (!path) throw new UnknownShape(`there is no '${asked || "function.js"}'`);
  // Few functions need more than node and what is here: each file that is loaded makes a cold start longer.
  const plan = join(bundle, ".invok/modules.json");
  const adapts = existsSync(plan) ? (await import("./hooks.mjs")).install(bundle, plan) : [];
  const adapted = adapts.length ? await (await import("./platforms.mjs")).adaptations(adapts) : {};
  const module = await import(pathToFileURL(join(bundle, path)).href);
  const shape = (await shapeOf(module, symbol, adapted)) ?? (await adapted.later?.());
  if (!shape) throw new UnknownShape(explain(path, module, symbol));
  return shape.answering(keep);
}

function explain(path, module, symbol) {
  const names = Object.keys(module).filter((name) => name !== "module.exports" && name !== "__esModule");
  const exported = names.length ? `exports ${names.join(", ")}` : "exports nothing";
  const way = "'export default async (request) => Response'";
  if (symbol) return `${path} ${exported}, but no function '${symbol}', which "entry" in config.json names`;
  const named = names.filter((name) => name !== "default" && typeof module[name] === "function");
  const or = named.length ? `, or in config.json "entry": "${path}:${named[0]}", which names one of its exports` : "";
  return `${path} ${exported}; it needs ${way}${or}`;
}
