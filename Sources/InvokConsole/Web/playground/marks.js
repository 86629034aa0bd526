// Where a build's output names a line of the sources.

/** @typedef {{file: string, line: number, message: string}} Mark */

const SOURCE = "([\\w./@-]+\\.(?:go|py|js|ts|tsx|jsx|mjs|cjs|mts|cts|json))";
const PATTERNS = [
  // Python: File "function.py", line 3
  new RegExp(`File "${SOURCE}", line (\\d+)`),
  // Go, esbuild, node: function.go:7:2: undefined: x
  new RegExp(`(?:^|[\\s(/])${SOURCE}:(\\d+)(?::\\d+)?:?\\s*(.*)`),
];

/**
 * @param {string} output
 * @param {string[]} files those of the project
 * @returns {Mark[]}
 */
export function marks(output, files) {
  const lines = output.split("\n");
  /** @type {Mark[]} */
  const found = [];
  lines.forEach((text, index) => {
    for (const pattern of PATTERNS) {
      const match = pattern.exec(text);
      if (!match) continue;
      const file = files.find((name) => match[1] === name || match[1].endsWith(`/${name}`));
      if (!file) continue;
      const message = match[3]?.trim() || last(lines, index) || text.trim();
      if (!found.some((each) => each.file === file && each.line === Number(match[2]))) {
        found.push({ file, line: Number(match[2]), message });
      }
      break;
    }
  });
  return found;
}

/**
 * What Python says last of all of an error that begins at that line.
 * @param {string[]} lines
 * @param {number} index
 */
function last(lines, index) {
  return lines.slice(index + 1).find((line) => /^\s*\w*(Error|Exception|Exit|Interrupt|Warning)\b/.test(line))?.trim() ?? "";
}
