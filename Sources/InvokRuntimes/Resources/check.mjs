// Checks a function and the files that it imports. Prints a line that starts with 'invok: ' when it cannot be deployed.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { isBuiltin, stripTypeScriptTypes } from "node:module";
import { dirname, extname, join, normalize, relative } from "node:path";
import vm from "node:vm";
import { sourceFile } from "./entry.mjs";

const bundle = process.cwd();

function refuse(sentence) {
  console.log(`invok: ${sentence}`);
  process.exit(1);
}

/// Dependencies that package.json names must lie in node_modules, since nothing can be fetched.
function checkDependencies() {
  if (!existsSync("package.json")) return {};
  let manifest;
  try {
    manifest = JSON.parse(readFileSync("package.json", "utf8"));
  } catch (error) {
    refuse(`package.json is not JSON: ${error.message}`);
  }
  if (manifest === null || typeof manifest !== "object") refuse("package.json is not an object");
  const lacking = Object.keys(manifest.dependencies ?? {}).filter((name) => !existsSync(join("node_modules", name)));
  if (lacking.length) {
    refuse(
      `package.json depends on ${lacking.join(", ")}, and dependencies cannot be fetched during a build; ` +
        "run 'npm install' and deploy with the node_modules folder",
    );
  }
  return manifest;
}

/// The source without types. Throws a SyntaxError.
function withoutTypes(source, file) {
  if (![".ts", ".mts", ".cts"].includes(extname(file))) return source;
  return stripTypeScriptTypes(source, { sourceUrl: undefined, mode: "strip" });
}

/// Parses one file and returns what it imports. Throws a SyntaxError whose stack names file and line.
function parse(file, isModule) {
  const source = withoutTypes(readFileSync(file, "utf8").replace(/^#!.*/, ""), file);
  const parameters = ["exports", "require", "module", "__filename", "__dirname"];
  const asScript = () => void vm.compileFunction(source, parameters, { filename: file });
  if ([".cjs", ".cts"].includes(extname(file))) return asScript(), [];
  try {
    const module = new vm.SourceTextModule(source, { identifier: file });
    return module.moduleRequests?.map((each) => each.specifier) ?? module.dependencySpecifiers;
  } catch (error) {
    if (isModule || /^\s*(import|export)\b/m.test(source)) throw error;
    return asScript(), [];
  }
}

/// Prints the error with its file and line. For a module only node's own check knows the line.
function explain(error, file) {
  const options = { input: readFileSync(file), encoding: "utf8" };
  const isScript = /js$/.test(file);
  const checked = isScript && spawnSync(process.execPath, ["--check", "--input-type=module", "-"], options).stderr;
  const text = (checked || String(error.stack)).split("\n    at ")[0].replace(/^.*\[(?:stdin|eval1)\]:/, `${file}:`);
  const placed = text.replace(/^\s*:(\d+)/, `${file}:$1`);
  console.log(placed.includes(`${file}:`) ? placed.trimEnd() : `${file}: ${placed.trimEnd()}`);
}

function isFile(path) {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}

const manifest = checkDependencies();
const entry = sourceFile(bundle);
if (!entry) refuse("there is no function.js, function.ts or function.mjs");

const seen = new Set();
const queue = [relative(bundle, entry)];
for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
  if (seen.has(file)) continue;
  seen.add(file);
  let specifiers;
  try {
    const isModule = [".mjs", ".mts"].includes(extname(file)) || manifest.type === "module";
    specifiers = parse(file, isModule);
  } catch (error) {
    explain(error, file);
    refuse(`${file} does not compile`);
  }
  for (const specifier of specifiers) {
    if (specifier.startsWith("./") || specifier.startsWith("../")) {
      const target = normalize(join(dirname(file), specifier));
      if (!isFile(target)) refuse(`${file} imports '${specifier}', which is not in the archive (imports need the file's extension)`);
      if (/\.[cm]?[jt]s$/.test(target)) queue.push(target);
    } else if (!/^[/#]|^\w+:/.test(specifier) && !isBuiltin(specifier)) {
      const name = specifier.split("/").slice(0, specifier.startsWith("@") ? 2 : 1).join("/");
      if (!existsSync(join("node_modules", name)) && manifest.name !== name) {
        refuse(
          `${file} imports '${specifier}', which is not in node_modules, and dependencies cannot be fetched during a build; ` +
            `run 'npm install ${name}' and deploy with the node_modules folder`,
        );
      }
    }
  }
}
