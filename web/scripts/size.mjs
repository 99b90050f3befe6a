// What each built page weighs in JavaScript and CSS, gzipped, lazily loaded parts included. Fails above the limit.
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { gzipSync } from "node:zlib";

const DIST = resolve(import.meta.dirname, "../dist");
const LIMIT_KB = 35;
const LIMITS_KB = { "report.html": 60 };

/** The files that a page or a script brings with it. */
function broughtBy(file) {
  const text = readFileSync(file, "utf8");
  if (file.endsWith(".html")) {
    const found = [...text.matchAll(/<(?:script|link)\b[^>]*?(?:src|href)="(\/[^"]+\.(?:js|css))"/g)];
    return found.map((match) => join(DIST, match[1]));
  }
  if (!file.endsWith(".js")) return [];
  const near = [...text.matchAll(/(?:from|import)\s*\(?\s*["'`](\.[^"'`]+\.js)["'`]/g)];
  const styles = [...text.matchAll(/["'`](assets\/[^"'`]+\.(?:css|js))["'`]/g)]; // preloaded with a lazy part
  return [...near.map((m) => resolve(dirname(file), m[1])), ...styles.map((m) => join(DIST, m[1]))];
}

function weigh(page) {
  const seen = new Set();
  const waiting = [join(DIST, page)];
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    for (const each of broughtBy(file)) {
      if (seen.has(each)) continue;
      seen.add(each);
      waiting.push(each);
    }
  }
  return [...seen].reduce((sum, file) => sum + gzipSync(readFileSync(file), { level: 9 }).length, 0) / 1000;
}

let tooHeavy = false;
for (const page of readdirSync(DIST)
  .filter((name) => name.endsWith(".html"))
  .sort()) {
  const limit = LIMITS_KB[page] ?? LIMIT_KB;
  const weight = weigh(page);
  tooHeavy ||= weight > limit;
  console.log(
    `${page.padEnd(20)} ${weight.toFixed(1).padStart(6)} kB of ${limit}${weight > limit ? "  TOO HEAVY" : ""}`,
  );
}
process.exit(tooHeavy ? 1 : 0);
