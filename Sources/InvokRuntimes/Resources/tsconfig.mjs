// Reads what of a project's tsconfig.json decides how its files are compiled and found.
import { existsSync, statSync } from "node:fs";
import { dirname, isAbsolute, join, relative, resolve } from "node:path";
import { text } from "./resolve.mjs";

/// The options of the tsconfig.json, or jsconfig.json, nearest to the function, with those that it extends.
/// - entry: the function's path below the root.
/// Returns `options`, and `paths` and `baseUrl` relative to the root. Throws a sentence.
export function projectOptions(root, entry) {
  const folders = [];
  for (let at = dirname(entry); ; at = dirname(at)) {
    folders.push(join(root, at));
    if (at === ".") break;
  }
  const candidates = folders.flatMap((folder) => ["tsconfig.json", "jsconfig.json"].map((name) => join(folder, name)));
  const path = candidates.find(existsSync);
  if (!path) return { options: {}, paths: {} };
  const options = read(path, root, []);
  const paths = {};
  for (const [pattern, targets] of Object.entries(options.paths ?? {})) {
    paths[pattern] = [targets].flat().map((target) => relative(root, resolve(options.pathsBase, String(target))));
  }
  const baseUrl = options.baseUrl === undefined ? undefined : relative(root, options.baseUrl);
  return { options, paths, baseUrl };
}

function read(path, root, seen) {
  const name = relative(root, path);
  if (seen.includes(path)) throw new Error(`${name} extends itself`);
  let config;
  try {
    config = JSON.parse(plain(text(path)));
  } catch (error) {
    throw new Error(`${name} is not JSON with comments: ${error.message}`);
  }
  const folder = dirname(path);
  let options = {};
  for (const base of [config.extends ?? []].flat()) {
    const found = extended(String(base), folder, root);
    if (!found) throw new Error(`${name} extends '${base}', which is not in the archive`);
    options = { ...options, ...read(found, root, [...seen, path]) };
  }
  const own = structuredClone(config.compilerOptions ?? {});
  if (own.baseUrl !== undefined) own.baseUrl = resolve(folder, own.baseUrl.replace("${configDir}", root));
  if (own.paths) {
    own.pathsBase = own.baseUrl ?? options.baseUrl ?? folder;
    own.paths = JSON.parse(JSON.stringify(own.paths).replaceAll("${configDir}", root));
  }
  return { ...options, ...own };
}

/// The file that `extends` names, relative to the folder of the file that says so, or in a package.
function extended(base, folder, root) {
  const beginnings = [];
  if (base.startsWith(".") || isAbsolute(base)) beginnings.push(resolve(folder, base));
  else for (let at = folder; ; at = dirname(at)) {
    beginnings.push(join(at, "node_modules", base));
    if (at === root || at === dirname(at)) break;
  }
  const candidates = beginnings.flatMap((each) => [each, `${each}.json`, join(each, "tsconfig.json")]);
  return candidates.find((each) => statSync(each, { throwIfNoEntry: false })?.isFile());
}

/// JSON without the comments and the last commas that TypeScript allows.
function plain(source) {
  return source
    .replace(/("(?:\\.|[^"\\])*")|\/\/[^\n]*|\/\*[^]*?\*\//g, (_, string) => string ?? "")
    .replace(/("(?:\\.|[^"\\])*")|,(?=\s*[}\]])/g, (_, string) => string ?? "");
}

/// The options as esbuild is to have them: those that change what a file becomes, for a server that runs it at once.
export function forCompiling(options) {
  const kept = {};
  for (const name of [
    "alwaysStrict", "experimentalDecorators", "importsNotUsedAsValues", "jsx", "jsxFactory", "jsxFragmentFactory",
    "jsxImportSource", "preserveValueImports", "strict", "useDefineForClassFields", "verbatimModuleSyntax",
  ]) {
    if (options[name] !== undefined) kept[name] = options[name];
  }
  // Nothing else compiles what these leave, and nobody debugs React here.
  const jsx = kept.jsx?.toLowerCase();
  if (["preserve", "react-native", "react-jsxdev"].includes(jsx)) kept.jsx = "react-jsx";
  if (jsx === undefined) kept.jsx = kept.jsxFactory ? "react" : "react-jsx";
  // What TypeScript takes for granted by the target, which here is always this node.
  if (options.target !== undefined) kept.useDefineForClassFields ??= /^es(next|20(2[2-9]|[3-9]\d))$/i.test(options.target);
  return { compilerOptions: kept };
}
