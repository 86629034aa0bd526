// Compiles a project's TypeScript, file by file: each stays a module of its own with its own path, so that what looks for
// files beside itself or imports by computed names finds what it means. Nothing is bundled.
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { dirname, join, relative } from "node:path";
import { text } from "./resolve.mjs";
import { forCompiling } from "./tsconfig.mjs";

/// Where compiled files lie, under their own names and `.js`.
export const output = ".invok/js";
const configPath = ".invok/tsconfig.json";
const metaPath = ".invok/meta.json";

/// - files: paths below the working directory.
/// - typeOf: the `"type"` that holds for a file, by its package.json.
/// Returns of each file its `format` and `imports`, or the `failure` in words for whoever wrote it.
export function compile(files, { options, typeOf }) {
  const compiler = new Compiler(options);
  const results = compiler.isThere ? compiler.modules(files) : new Map(files.map((file) => [file, compiler.lacking(file)]));
  for (const [file, result] of results) {
    // What is newer than the compiler node may know.
    if (result.failure && compiler.isThere) Object.assign(result, stripped(file) ?? stripped(file, "transform") ?? {});
    if (result.failure) continue;
    result.format = formatOf(file, result, typeOf(file));
  }
  if (compiler.isThere) compiler.scripts(results);
  supplyTypeExports(results);
  if (compiler.isThere && compiler.mistakesDecorators) supplyDecorators(results);
  supplyVariables(results);
  for (const path of [configPath, metaPath]) rmSync(path, { force: true });
  return { results, notes: compiler.notes };
}

const compiledText = (file) => readFileSync(join(output, `${file}.js`), "utf8");
/// What the compiler applies decorators by.
const ownDecorator = /^var __decorateClass = \(.*?^\};$/ms;

class Compiler {
  notes = [];

  constructor(options) {
    this.path = process.env.INVOK_ESBUILD;
    this.version = this.path ? spawnSync(this.path, ["--version"], { encoding: "utf8" }).stdout?.trim() : undefined;
    if (!this.isThere) return;
    if (options.emitDecoratorMetadata) {
      this.notes.push(
        "tsconfig.json asks for emitDecoratorMetadata, which esbuild does not make: what reads the types of parameters at " +
          "run time needs to be told them",
      );
    }
    this.config = forCompiling(options);
    writeFileSync(configPath, JSON.stringify(this.config));
  }

  get isThere() {
    return Boolean(this.version);
  }

  /// Whether decorators come out as TypeScript's experimental ones though the project did not ask for those.
  get mistakesDecorators() {
    const [major, minor] = this.version.split(".").map(Number);
    return major === 0 && minor < 21 && !this.config.compilerOptions.experimentalDecorators;
  }

  /// Compiles to modules whatever compiles.
  modules(files) {
    const results = new Map(files.map((file) => [file, {}]));
    for (;;) {
      const rest = files.filter((file) => !results.get(file).failure);
      if (rest.length === 0) return results;
      const { status, stderr } = this.run(rest, "esm");
      if (status === 0) {
        if (stderr.trim()) this.notes.push(stderr.trim());
        break;
      }
      if (!this.blame(stderr, results)) throw new Error(`esbuild failed: ${stderr}`);
    }
    if (this.mistakesDecorators && files.some((file) => !results.get(file).failure && ownDecorator.test(compiledText(file)))) {
      // What these decorators change of a field they change when it is assigned.
      this.config.compilerOptions.useDefineForClassFields = false;
      writeFileSync(configPath, JSON.stringify(this.config));
      this.run(files.filter((file) => !results.get(file).failure), "esm");
    }
    const { inputs, outputs } = JSON.parse(readFileSync(metaPath, "utf8"));
    for (const [path, made] of Object.entries(outputs)) {
      const result = results.get(made.entryPoint);
      if (!result || path.endsWith(".map")) continue;
      Object.assign(result, { syntax: inputs[made.entryPoint].format, imports: made.imports, exports: made.exports });
    }
    return results;
  }

  /// Compiles anew what is to be a script of CommonJS.
  scripts(results) {
    const files = [...results].filter(([, { format, isStripped }]) => format === "commonjs" && !isStripped).map(([file]) => file);
    while (files.length) {
      const { status, stderr } = this.run(files, "cjs");
      if (status === 0) return;
      if (!this.blame(stderr, results)) throw new Error(`esbuild failed: ${stderr}`);
      for (const file of [...files]) if (results.get(file).failure) files.splice(files.indexOf(file), 1);
    }
  }

  run(files, format) {
    const given = files.map((file) => `${file}=${file}`);
    const options = [
      `--outdir=${output}`, `--metafile=${metaPath}`, `--tsconfig=${configPath}`, `--format=${format}`, "--platform=node",
      `--target=node${process.versions.node}`, "--supported:import-assertions=false", "--charset=utf8",
      "--sourcemap=external", "--sources-content=false", "--log-level=warning", "--log-limit=0", "--color=false",
      "--log-override:empty-import-meta=silent", "--log-override:unsupported-require-call=silent",
    ];
    const { status, stderr, error } = spawnSync(this.path, [...given, ...options], { encoding: "utf8", maxBuffer: 64 << 20 });
    if (error) throw new Error(`esbuild could not be run: ${error.message}`);
    return { status, stderr };
  }

  /// Gives each file the errors that are about it. Returns whether there was one.
  blame(stderr, results) {
    let isAnybodys = false;
    for (const block of stderr.split(/(?=^[✘▲] \[)/m)) {
      const file = /^✘/.test(block) && /^ {4}(\S.*?):\d+:\d+:$/m.exec(block)?.[1];
      const result = file && results.get(file);
      if (!result) continue;
      result.failure = (result.failure ?? "") + block.replace(/\n+\d+ (error|warning)s?[^]*$/, "\n");
      isAnybodys = true;
    }
    return isAnybodys;
  }

  /// What becomes of a file where there is no compiler: node itself only takes types away.
  lacking(file) {
    const result = /x$/.test(file) ? undefined : stripped(file);
    if (result) return result;
    const next =
      "this server compiles no more of TypeScript than node itself, since it has no esbuild: its operator can install " +
      "it, as 'apt-get install esbuild' does";
    return { failure: `${reasonOf(file)}\n`, reason: `${file} needs a compiler: ${next}` };
  }
}

/// The file as node itself takes it; undefined where node does not.
/// - mode: `strip` where types are all that makes it TypeScript, `transform` where there is more.
function stripped(file, mode = "strip") {
  if (/x$/.test(file)) return undefined;
  const path = join(output, `${file}.js`);
  try {
    const made = stripTypeScriptTypes(text(file), { mode, sourceMap: mode === "transform" });
    const [source, map] = made.split(/\n*\/\/# sourceMappingURL=data:application\/json;base64,/);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, source);
    if (map) writeFileSync(`${path}.map`, withSource(Buffer.from(map, "base64"), relative(dirname(path), file)));
    return { failure: undefined, isStripped: true, syntax: /^\s*(import|export)\b/m.test(source) ? "esm" : undefined };
  } catch {
    return undefined;
  }
}

const withSource = (map, path) => JSON.stringify({ ...JSON.parse(map), sources: [path], sourcesContent: undefined });

function reasonOf(file) {
  if (/x$/.test(file)) return `${file}: it has JSX`;
  try {
    stripTypeScriptTypes(text(file), { mode: "strip" });
  } catch (error) {
    return String(error.stack).split("\n    at ")[0].replace(/^.*?:(\d+)\n/, `${file}:$1\n`);
  }
  return "";
}

/// Node's rules (https://nodejs.org/api/packages.html#determining-module-system), but that whatever imports and exports is
/// a module, as TypeScript's own compiler takes it before it makes something else of it.
function formatOf(file, { syntax }, type) {
  if (/\.mts$/.test(file)) return "module";
  if (/\.cts$/.test(file) || syntax === "cjs") return "commonjs";
  return syntax === undefined && type === "commonjs" ? "commonjs" : "module";
}

/// Gives files whose decorators are the language's own what applies those. On as many lines, so that no other moves.
function supplyDecorators(results) {
  for (const [file, { format, failure }] of results) {
    if (failure) continue;
    const source = compiledText(file);
    const [theirs] = ownDecorator.exec(source) ?? [];
    if (!theirs) continue;
    const path = JSON.stringify(`${"../".repeat(file.split("/").length - 1) || "./"}.invok/decorators.mjs`);
    const ours =
      format === "module"
        ? `import { decorate as __decorateClass } from ${path};`
        : `var { decorate: __decorateClass } = require(${path});`;
    writeFileSync(join(output, `${file}.js`), source.replace(theirs, () => ours + "\n".repeat(theirs.split("\n").length - 1)));
  }
}

const variables = {
  require: { used: /(?<![\w$.])require\s*[(.]/, value: "$createRequire(import.meta.url)" },
  __filename: { used: /(?<![\w$.])__filename\b/, value: "import.meta.filename" },
  __dirname: { used: /(?<![\w$.])__dirname\b/, value: "import.meta.dirname" },
};

/// Gives modules the variables of CommonJS that they use, as they have them where TypeScript compiles to that. On the first
/// line, so that no other moves.
function supplyVariables(results) {
  for (const [file, { format, failure }] of results) {
    if (failure || format !== "module") continue;
    const source = text(file);
    const isOwn = (name) => new RegExp(`\\b(const|let|var|function|import)\\b[^;=]*\\b${name}\\b`).test(source);
    const lacking = Object.keys(variables).filter((name) => variables[name].used.test(source) && !isOwn(name));
    if (lacking.length === 0) continue;
    const values = lacking.map((name) => `${name} = ${variables[name].value}`).join(", ");
    const path = join(output, `${file}.js`);
    const line = `import { createRequire as $createRequire } from "node:module"; const ${values};`;
    writeFileSync(path, `${line} ${compiledText(file)}`);
  }
}

/// `export { T } from "./t"`, where T is a type, names what no longer is in the other module: it gets an empty one, as
/// bundlers take it.
function supplyTypeExports(results) {
  const clauses = /^(?:import|export) (?:[\w$]+, )?\{([^}]*)\} from "(\.{1,2}\/[^"]+)";$/gm;
  const lacking = new Map();
  for (const [file, { format, exports, failure }] of results) {
    if (failure || format !== "module" || !exports) continue;
    for (const [, clause, specifier] of compiledText(file).matchAll(clauses)) {
      const target = found(results, file, specifier);
      const other = target && results.get(target);
      if (!other?.exports || other.failure || other.format !== "module") continue;
      if (/^export \* from/m.test(compiledText(target))) continue;
      for (const [name, local = name] of clause.split(",").map((each) => each.trim().split(" as ")).filter(([each]) => each)) {
        if (other.exports.includes(name) || !exports.includes(local)) continue;
        lacking.set(target, (lacking.get(target) ?? new Set()).add(name));
      }
    }
  }
  for (const [file, names] of lacking) {
    const added = [...names].map((name, index) => `let __type${index}; export { __type${index} as ${name} };`).join(" ");
    writeFileSync(join(output, `${file}.js`), `${compiledText(file).trimEnd()}\n${added}\n`);
    results.get(file).exports.push(...names);
  }
}

/// The compiled file that a relative name means.
function found(results, file, specifier) {
  const path = join(dirname(file), specifier);
  const bare = path.replace(/\.[cm]?jsx?$/, "");
  const ends = [".ts", ".tsx", ".mts", ".cts"];
  const names = ["", "/index"].flatMap((rest) => ends.map((each) => bare + rest + each));
  return [path, ...names].find((each) => results.has(each));
}
