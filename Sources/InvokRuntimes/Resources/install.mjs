// Installs what package.json asks for, by npm. Prints a line that starts with 'invok: ' when it cannot be done.
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, lstatSync, readdirSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";

// With `install` perhaps the name of a lock file that npm does not read.
const [action, other] = process.argv.slice(2);
const folder = "node_modules";

/// Where npm lies beside this node: as it is packed by its makers, and as Debian has it.
const beside = join(dirname(process.execPath), "..");
const npm = ["lib/node_modules/npm", "share/nodejs/npm", "lib/nodejs/npm"]
  .map((path) => join(beside, path, "bin/npm-cli.js"))
  .find(existsSync);
if (!npm) {
  console.log("invok: this server's node has no npm, which reads package.json; deploy with the node_modules folder");
  process.exit(1);
}

// A package's own scripts say what they do; a dependency in the project is packed like any other, not linked to.
const options = ["--omit=dev", "--no-audit", "--no-fund", "--no-update-notifier", "--foreground-scripts", "--install-links"];
if (action === "install") {
  // npm takes the versions of yarn's first format, if it may write them down in its own.
  const isYarns = existsSync("yarn.lock");
  const isRead = isYarns && readFileSync("yarn.lock", "utf8").includes("# yarn lockfile v1");
  if (!isRead) options.push("--no-package-lock");
  const unread = isRead ? undefined : isYarns ? "yarn.lock" : other;
  if (unread) {
    console.log(
      `npm does not read ${unread}, and installs the newest that package.json allows; to have the same each time run ` +
        "'npm install --package-lock-only' and deploy package-lock.json too",
    );
  }
}
const { status, signal } = spawnSync(process.execPath, [npm, action, ...options], { stdio: "inherit" });
if (status !== 0) process.exit(signal ? 1 : status);

/// A bundle has files and folders only: what is linked to is copied, and programs for a shell are left out.
function flatten(path) {
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    const inner = join(path, entry.name);
    if (entry.name === ".bin" || entry.name === ".package-lock.json" || entry.name === ".cache") {
      rmSync(inner, { recursive: true, force: true });
    } else if (entry.isSymbolicLink()) {
      const target = existsSync(inner) && realpathSync(inner);
      rmSync(inner);
      if (target && !inner.startsWith(target)) cpSync(target, inner, { recursive: true, dereference: true });
      if (target && lstatSync(inner).isDirectory()) flatten(inner);
    } else if (entry.isDirectory()) {
      flatten(inner);
    }
  }
}
if (existsSync(folder)) flatten(folder);
