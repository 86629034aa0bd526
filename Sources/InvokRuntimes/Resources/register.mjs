// Loaded first by threads and processes that a function starts: they find its files by the same rules.
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { install } from "./hooks.mjs";

const own = dirname(fileURLToPath(import.meta.url));
install(dirname(own), join(own, "modules.json"));
