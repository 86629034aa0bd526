// How a project's own files name each other where node's rules do not reach: as TypeScript, bundlers and Deno let them.
import { readFileSync, statSync } from "node:fs";
import { isBuiltin } from "node:module";
import { dirname, join, relative, sep } from "node:path";

export const typescript = /\.[cm]?tsx?$/;
const sources = [".ts", ".tsx", ".mts", ".cts"];
const scripts = [".js", ".jsx", ".mjs", ".cjs"];
/// What a name of a compiled file may stand for.
const twins = { ".js": [".ts", ".tsx"], ".jsx": [".tsx"], ".mjs": [".mts"], ".cjs": [".cts"] };

/// - root: the project's folder.
/// - options: `paths`, by pattern, and `baseUrl` of tsconfig.json, and the folders of `packages` that are the project's own,
///   all relative to the root.
export class Resolver {
  #files = new Map();

  constructor(root, { paths = {}, baseUrl, packages = [] } = {}) {
    this.root = root;
    this.packages = packages;
    this.baseUrl = baseUrl;
    // The longest prefix wins; an exact name goes before all.
    this.paths = Object.entries(paths).sort(([a], [b]) => rank(b) - rank(a));
  }

  /// The path below the root of one of the project's own files, or undefined.
  own(path) {
    if (!path.startsWith(this.root + sep)) return undefined;
    const below = relative(this.root, path);
    if (below.startsWith(".invok" + sep)) return undefined;
    const inside = this.packages.find((each) => below.startsWith(each + sep));
    return /(^|[\\/])node_modules[\\/]/.test(inside ? below.slice(inside.length) : below) ? undefined : below;
  }

  /// The file that `specifier` names in the project's file `parent`, both absolute; undefined where node's own rules are asked.
  resolve(specifier, parent) {
    const fromTypeScript = typescript.test(parent);
    if (/^\.{1,2}(\/|$)/.test(specifier)) return this.#candidate(join(dirname(parent), specifier), fromTypeScript);
    if (specifier.startsWith("/") || /^[\w+.-]+:/.test(specifier)) return undefined;
    for (const [pattern, targets] of this.paths) {
      const matched = match(pattern, specifier);
      if (matched === undefined) continue;
      for (const target of targets) {
        const found = this.#candidate(join(this.root, target.replace("*", () => matched)), true);
        if (found) return found;
      }
    }
    if (this.baseUrl === undefined || isBuiltin(specifier)) return undefined;
    return this.#candidate(join(this.root, this.baseUrl, specifier), true);
  }

  #candidate(path, fromTypeScript) {
    const [, ending] = /(\.[^./\\]+)$/.exec(path) ?? [];
    const twin = (twins[ending] ?? []).map((each) => path.slice(0, -ending.length) + each);
    const exact = path.endsWith(sep) ? [] : [path];
    const first = fromTypeScript ? [...twin, ...exact] : [...exact, ...twin];
    const order = fromTypeScript ? [...sources, ...scripts, ".json"] : [...scripts, ".json", ...sources];
    const added = exact.flatMap((each) => order.map((extension) => each + extension));
    return [...first, ...added].find((each) => this.isFile(each)) ?? this.#index(path, order);
  }

  #index(folder, order) {
    const manifest = join(folder, "package.json");
    if (this.isFile(manifest)) {
      try {
        const { main } = JSON.parse(text(manifest));
        if (typeof main === "string" && this.isFile(join(folder, main))) return join(folder, main);
      } catch {
        // What is no JSON says nothing.
      }
    }
    return order.map((extension) => join(folder, `index${extension}`)).find((each) => this.isFile(each));
  }

  isFile(path) {
    let known = this.#files.get(path);
    if (known === undefined) {
      known = statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
      this.#files.set(path, known);
    }
    return known;
  }
}

const rank = (pattern) => (pattern.includes("*") ? pattern.indexOf("*") : Number.MAX_SAFE_INTEGER);

/// What the star of the pattern stands for, empty where it has none; undefined where it does not match.
function match(pattern, specifier) {
  const star = pattern.indexOf("*");
  if (star < 0) return pattern === specifier ? "" : undefined;
  const [before, behind] = [pattern.slice(0, star), pattern.slice(star + 1)];
  const fits = specifier.length >= before.length + behind.length && specifier.startsWith(before) && specifier.endsWith(behind);
  return fits ? specifier.slice(before.length, specifier.length - behind.length) : undefined;
}

/// The name of a package that Deno writes with its registry: `npm:hono@4/cors` is `hono/cors`.
export function withoutRegistry(specifier) {
  return /^npm:\/?((?:@[^/@]+\/)?[^/@]+)(?:@[^/]*)?(\/.*)?$/.exec(specifier)?.slice(1, 3).join("");
}

/// A text file without the byte-order mark that some editors write.
export function text(path) {
  return readFileSync(path, "utf8").replace(/^\ufeff/, "");
}
