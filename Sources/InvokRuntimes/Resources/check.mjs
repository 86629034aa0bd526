// Compiles a function's TypeScript, and checks the function and the files that it imports. Prints a line that starts with
// 'invok: ' when it cannot be deployed.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { dirname, extname, join, relative } from "node:path";
import vm from "node:vm";
import { entryOf } from "./entry.mjs";
import { Resolver, text, typescript, withoutRegistry } from "./resolve.mjs";
import { projectOptions } from "./tsconfig.mjs";
import { compile, output } from "./typescript.mjs";

const bundle = process.cwd();
const framework = "@google-cloud/functions-framework";

function refuse(sentence) {
  console.log(`invok: ${sentence}`);
  process.exit(1);
}

/// Fails with a sentence, where the other throws one.
function orRefuse(work) {
  try {
    return work();
  } catch (error) {
    return refuse(error.message);
  }
}

const packageOf = (specifier) => specifier.split("/").slice(0, specifier.startsWith("@") ? 2 : 1).join("/");

// MARK: What package.json says

/// Whether a package came with the archive, or was installed for it.
const isInstalled = (name) => existsSync(join("node_modules", name)) || existsSync(join("/node_modules", name));

/// Dependencies that package.json names must be there.
function checkDependencies() {
  if (!existsSync("package.json")) return {};
  let manifest;
  try {
    manifest = JSON.parse(text("package.json"));
  } catch (error) {
    refuse(`package.json is not JSON: ${error.message}`);
  }
  if (manifest === null || typeof manifest !== "object") refuse("package.json is not an object");
  const named = Object.keys(manifest.dependencies ?? {});
  const lacking = named.filter((name) => name !== framework && !isInstalled(name));
  // What a bundler has put into the source needs no package: an import of one that is missing is refused below.
  if (lacking.length) console.log(`package.json depends on ${lacking.join(", ")}, which is not in node_modules`);
  return manifest;
}

const types = new Map();
/// The `"type"` of the package.json nearest to a file.
function typeOf(file) {
  const folder = dirname(file);
  if (!types.has(folder)) {
    const path = join(folder, "package.json");
    let type;
    try {
      type = existsSync(path) ? (JSON.parse(text(path)).type ?? "") : undefined;
    } catch {
      type = "";
    }
    types.set(folder, type ?? (folder === "." ? undefined : typeOf(folder)));
  }
  return types.get(folder) || undefined;
}

// MARK: The project's own files

function* ownFiles(folder = ".") {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.name.startsWith(".")) continue;
    const path = join(folder, entry.name);
    if (entry.name === "node_modules") yield* sourcePackages(path);
    else if (entry.isDirectory()) yield* ownFiles(path);
    else if (/\.[cm]?[jt]sx?$/.test(entry.name) && !/\.d\.[cm]?ts$/.test(entry.name)) yield path;
  }
}

/// Packages whose manifest names TypeScript, as those of a workspace do: they are the project's own.
const packages = [];

function* sourcePackages(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (!entry.isDirectory() || entry.name.startsWith(".")) continue;
    if (entry.name.startsWith("@")) yield* sourcePackages(path);
    if (!namesTypeScript(join(path, "package.json"))) continue;
    packages.push(path);
    yield* ownFiles(path);
  }
}

function namesTypeScript(path) {
  try {
    const { main, module, exports } = JSON.parse(text(path));
    const named = JSON.stringify([main, module, exports], (key, value) => (key === "types" ? undefined : value));
    return /(?<!\.d)\.[cm]?tsx?"/.test(named);
  } catch {
    return false;
  }
}

/// The calls of other platforms by which a module may say what answers; a shim has those that a project uses.
const calls = {
  deno: /\bDeno\s*\.\s*(serve|env)\b/,
  bun: /\bBun\s*\.\s*(serve|env)\b/,
  worker: /\baddEventListener\s*\(\s*["'`]fetch["'`]/,
  listen: /\.\s*listen\s*\(|\bserve\s*\(/,
  framework: /["'`]@google-cloud\/functions-framework["'`]/,
  awslambda: /\bawslambda\s*\./,
};

// MARK: One file

/// Parses one file and returns what it imports. Throws a SyntaxError whose stack names file and line.
function parse(file, path = file) {
  const source = text(path).replace(/^#!.*/, "");
  const parameters = ["exports", "require", "module", "__filename", "__dirname"];
  const asScript = () => void vm.compileFunction(source, parameters, { filename: file });
  if (extname(file) === ".cjs") return asScript(), [];
  try {
    const module = new vm.SourceTextModule(source, { identifier: file });
    return module.moduleRequests ?? module.dependencySpecifiers.map((specifier) => ({ specifier }));
  } catch (error) {
    if (extname(file) === ".mjs" || typeOf(file) === "module" || /^\s*(import|export)\b/m.test(source)) throw error;
    return asScript(), [];
  }
}

/// Prints the error with its file and line. For a module only node's own check knows the line.
function explain(error, file) {
  const options = { input: readFileSync(file), encoding: "utf8" };
  const isScript = /js$/.test(file);
  const checked = isScript && spawnSync(process.execPath, ["--check", "--input-type=module", "-"], options).stderr;
  const stack = (checked || String(error.stack)).split("\n    at ")[0].replace(/^.*\[(?:stdin|eval1)\]:/, `${file}:`);
  const placed = stack.replace(/^\s*:(\d+)/, `${file}:$1`);
  console.log(placed.includes(`${file}:`) ? placed.trimEnd() : `${file}: ${placed.trimEnd()}`);
}

/// What a file imports, each as its `specifier`, with `isNeeded` where it is nothing without it.
function importsOf(file) {
  const result = compiled.get(file);
  if (result?.failure) {
    console.log(result.failure.trimEnd());
    refuse(result.reason ?? `${file} does not compile`);
  }
  if (result?.imports) {
    return result.imports.map(({ path, kind }) => ({ specifier: path, isNeeded: kind === "import-statement" }));
  }
  try {
    const requests = parse(file, result ? join(output, `${file}.js`) : file);
    return requests.map(({ specifier, attributes }) => ({ specifier, attributes, isNeeded: true }));
  } catch (error) {
    explain(error, file);
    return refuse(`${file} does not compile`);
  }
}

// MARK: What it imports

/// What the imports of JavaScript ask for beyond node's own rules.
let hooks = false;

/// The file of the project that is imported, if it is one. What is nowhere is refused.
function follow(file, { specifier, attributes, isNeeded }) {
  const isRelative = /^\.{1,2}(\/|$)/.test(specifier);
  const found = resolver.resolve(specifier, join(bundle, file));
  if (found) {
    const path = relative(bundle, found);
    if (!isRelative || join(dirname(file), specifier) !== path) hooks = true;
    if (path.endsWith(".json") && !attributes?.type) hooks = true;
    return path;
  }
  if (!isNeeded) return undefined;
  if (isRelative) refuse(`${file} imports '${specifier}', which is not in the archive`);
  if (/^https?:/.test(specifier)) {
    refuse(
      `${file} imports '${specifier}', and modules are not taken from the network; put the file into the project, ` +
        "or run 'npm install' and import the package",
    );
  }
  const bare = withoutRegistry(specifier) ?? specifier;
  if (bare !== specifier) hooks = true;
  const scheme = /^(\w[\w+.-]*):/.exec(bare)?.[1];
  if (scheme && !["node", "data", "file"].includes(scheme)) {
    refuse(
      `${file} imports '${specifier}', which is there on another platform only; Invok runs node, with its own modules ` +
        "and those in node_modules",
    );
  }
  if (scheme || /^[/#]/.test(bare) || isBuiltin(bare) || bare === framework) return undefined;
  checkPackage(file, bare);
  return undefined;
}

function checkPackage(file, specifier) {
  const name = packageOf(specifier);
  for (let folder = dirname(file); ; folder = dirname(folder)) {
    if (existsSync(join(folder, "node_modules", name))) return;
    if (folder === ".") break;
  }
  if (manifest.name === name || isInstalled(name)) return;
  if (/\/jsx-(dev-)?runtime$/.test(specifier)) {
    refuse(
      `${file} has JSX, which makes elements by '${name}', and that is not in node_modules; run 'npm install ${name}' and ` +
        `deploy with the node_modules folder, or name another package by "jsxImportSource" in tsconfig.json`,
    );
  }
  refuse(
    `${file} imports '${specifier}', which package.json does not name and node_modules does not have; ` +
      `run 'npm install ${name}' and deploy again`,
  );
}

/// JSX of the old kind names React, which the file must have.
function checkElements(file) {
  if (!/x$/.test(file)) return;
  const source = text(join(output, `${file}.js`));
  const hasReact = /\bimport\b[^;]*\bReact\b|\b(var|let|const|function|class)\s+(React\b|\{[^}]*\bReact\b)/.test(source);
  if (!/\bReact\.createElement\(/.test(source) || hasReact) return;
  refuse(
    `${file} has JSX, which needs 'import React from "react"' with "jsx": "react" in tsconfig.json; ` +
      `say "jsx": "react-jsx" to go without`,
  );
}

const named = /^\s*(?:import|export)\s+(?:[\w$]+\s*,\s*)?\{([^}]*)\}\s*from\s*["'](\.[^"']+)["']/gm;

/// Without a compiler nobody knows that a name is a type's, unless it is said.
function checkTypeImports(file) {
  const source = text(file);
  for (const [, clause, specifier] of source.matchAll(named)) {
    const target = resolver.resolve(specifier, join(bundle, file));
    if (!target || !typescript.test(target)) continue;
    const other = text(target);
    for (const name of clause.split(",").map((each) => each.trim().split(/\s+as\s+/)[0])) {
      const declares = (kinds) => new RegExp(`\\b(${kinds})\\s+${name}\\b`).test(other);
      if (!/^\w+$/.test(name) || !declares("interface|type") || declares("const|let|var|class|function|enum")) continue;
      refuse(
        `${file} imports the type '${name}' as if it were a value, which takes a compiler: write 'import type', ` +
          "or have the server's operator install esbuild, as 'apt-get install esbuild' does",
      );
    }
  }
}

// MARK: All of it

const manifest = checkDependencies();
const { path: entry, asked } = entryOf(bundle);
if (!entry) {
  refuse(asked ? `there is no '${asked}', which "entry" in config.json names` : "there is no function.js or function.ts");
}

const files = [...ownFiles()];
const toCompile = files.filter((file) => typescript.test(file) || file.endsWith(".jsx"));
const hasOptions = toCompile.length > 0 || existsSync("jsconfig.json");
const project = hasOptions ? orRefuse(() => projectOptions(bundle, entry)) : { options: {}, paths: {} };
const resolver = new Resolver(bundle, { ...project, packages });
const { results: compiled, notes } = toCompile.length
  ? orRefuse(() => compile(toCompile, { options: project.options, typeOf }))
  : { results: new Map(), notes: [] };
for (const note of notes) console.log(note);

const seen = new Set();
const queue = [entry];
for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
  if (seen.has(file)) continue;
  seen.add(file);
  for (const each of importsOf(file)) {
    const path = follow(file, each);
    if (path && (compiled.has(path) || /\.[cm]?js$/.test(path))) queue.push(path);
  }
  if (!compiled.has(file)) continue;
  if (compiled.get(file).isStripped) checkTypeImports(file);
  else checkElements(file);
}
for (const [file, { failure }] of compiled) {
  if (failure && !seen.has(file)) console.log(`${file} does not compile, and nothing imports it:\n${failure.trimEnd()}`);
}

const adapts = Object.keys(calls).filter((name) => files.some((file) => isSmall(file) && calls[name].test(text(file))));
const whole = [...compiled].filter(([, { failure }]) => !failure);
const formats = Object.fromEntries(whole.map(([file, { format }]) => [file, format]));
if (Object.keys(formats).length || adapts.includes("framework")) hooks = true;
if (hooks || adapts.length) {
  const { paths, baseUrl } = project;
  writeFileSync(".invok/modules.json", JSON.stringify({ adapts, hooks, formats, paths, baseUrl, packages }));
}

function isSmall(file) {
  return statSync(file).size < 1 << 20;
}
