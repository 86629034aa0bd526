// Loads what the build has compiled, and resolves what node's own rules do not: only where the build has found a need.
import { readFileSync } from "node:fs";
import { registerHooks, syncBuiltinESMExports } from "node:module";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import workers from "node:worker_threads";
import { Resolver, text, withoutRegistry } from "./resolve.mjs";

/// - plan: the path of what the build has written.
/// Returns which calls of other platforms are to be there.
export function install(bundle, plan) {
  const { adapts, hooks, formats, ...options } = JSON.parse(readFileSync(plan, "utf8"));
  if (!hooks) return adapts;
  const resolver = new Resolver(bundle, options);
  const framework = new URL("./functions-framework.mjs", import.meta.url).href;
  const own = (url) => (url?.startsWith("file:") ? resolver.own(fileURLToPath(url)) : undefined);

  registerHooks({
    resolve(specifier, context, next) {
      if (adapts.includes("framework") && specifier === "@google-cloud/functions-framework") {
        return { url: framework, format: "module", shortCircuit: true };
      }
      if (own(context.parentURL) !== undefined) {
        const found = resolver.resolve(specifier, fileURLToPath(context.parentURL));
        if (found) return { url: pathToFileURL(found).href, shortCircuit: true };
        specifier = withoutRegistry(specifier) ?? specifier;
      }
      return next(specifier, context);
    },
    load(url, context, next) {
      const path = own(url);
      if (path === undefined) return next(url, context);
      const format = formats[path];
      if (format) return { format, source: compiled(bundle, path), shortCircuit: true };
      // TypeScript lets JSON be imported as it is required.
      if (path.endsWith(".json") && context.conditions.includes("import") && !context.importAttributes?.type) {
        return { format: "module", source: moduleOf(text(fileURLToPath(url))), shortCircuit: true };
      }
      return next(url, context);
    },
  });
  if (Object.keys(formats).length) process.setSourceMapsEnabled(true);
  passOn(["--import", new URL("./register.mjs", import.meta.url).href]);
  return adapts;
}

/// Has what the function starts load its files as it does.
function passOn(given) {
  if (!process.execArgv.includes(given[1])) process.execArgv.push(...given);
  const { Worker } = workers;
  workers.Worker = class extends Worker {
    constructor(file, options = {}) {
      const others = (options.execArgv ?? process.execArgv).filter((each) => !given.includes(each));
      super(file, { ...options, execArgv: [...others, ...given] });
    }
  };
  syncBuiltinESMExports();
}

/// What a file became, with the way to what leads back from it, which node takes from the file's own folder only.
function compiled(bundle, path) {
  const map = `${"../".repeat(path.split("/").length - 1)}.invok/js/${path}.js.map`;
  return `${readFileSync(join(bundle, ".invok/js", `${path}.js`), "utf8")}\n//# sourceMappingURL=${encodeURI(map)}\n`;
}

/// A module that exports a JSON value, and its members by their names.
function moduleOf(json) {
  const value = JSON.parse(json);
  const names = value && typeof value === "object" && !Array.isArray(value) ? Object.keys(value) : [];
  const members = names.filter((name) => name !== "default").map((name) => JSON.stringify(name));
  const exported = members.map((name, index) => `const v${index} = value[${name}]; export { v${index} as ${name} };`);
  return `const value = ${json.trim()};\nexport default value;\n${exported.join("\n")}\n`;
}
