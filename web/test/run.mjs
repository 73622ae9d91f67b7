// Bundles the tests with the tool that bundles the page, then hands them to Node's own test runner: `npm test`.
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const out = mkdtempSync(join(here, "..", "node_modules", ".test-"));
const names = readdirSync(here).filter((name) => name.endsWith(".test.ts"));
await build({
  entryPoints: names.map((name) => join(here, name)),
  outdir: out,
  outExtension: { ".js": ".mjs" },
  bundle: true,
  platform: "node",
  format: "esm",
  logLevel: "warning",
});
const { status } = spawnSync(
  process.execPath,
  ["--test", ...names.map((name) => join(out, name.replace(/ts$/, "mjs")))],
  { stdio: "inherit" },
);
rmSync(out, { recursive: true });
process.exit(status ?? 1);
