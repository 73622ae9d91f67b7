// Builds the page into the Python package: `make web`, or `npm run build` here.
//
// The result is committed, so that an installed package needs neither Node nor a network; build.json holds a hash of
// everything it was made from, and a test says when it is stale.
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const source = join(here, "src");
const target = join(here, "..", "src", "orienteer", "observatory", "static");

const made = {
  bundle: true,
  minify: true,
  target: "es2022",
  legalComments: "none",
  logLevel: "warning",
  metafile: true,
};

rmSync(target, { recursive: true, force: true });
mkdirSync(target, { recursive: true });

const page = await build({
  ...made,
  entryPoints: { app: join(source, "main.tsx"), niivue: join(source, "parts", "niivue.ts") },
  outdir: target,
  format: "esm",
  splitting: true,
  chunkNames: "shared",
  jsx: "automatic",
  jsxImportSource: "preact",
  // NiiVue reads Zarr over the network; this page never does, and leaves 1.5 MB of decoders out.
  alias: { zarrita: join(source, "parts", "nozarr.ts") },
});
await build({ ...made, entryPoints: { app: join(source, "styles", "app.css") }, outdir: target });
for (const name of ["index.html", "icon.svg"]) copyFileSync(join(source, name), join(target, name));
writeFileSync(join(target, "licences.txt"), licences(page.metafile));
writeFileSync(join(target, "build.json"), `${JSON.stringify({ sources: hash() }, null, 2)}\n`);

/** Who wrote what is inside, and on which terms: the licence texts of every package that went in. */
function licences(meta) {
  const names = new Set();
  for (const output of Object.values(meta.outputs)) {
    for (const [path, { bytesInOutput }] of Object.entries(output.inputs)) {
      const inside = /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path);
      if (inside && bytesInOutput > 0) names.add(inside[1]);
    }
  }
  const texts = [...names].sort().map((name) => {
    const folder = join(here, "node_modules", name);
    const { version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    const file = readdirSync(folder).find((each) => /^licen[cs]e/i.test(each)) ?? null;
    const own = join(here, "licences", `${name.replace("/", "__")}.txt`);
    const text = file ? readFileSync(join(folder, file), "utf8") : existsSync(own) ? readFileSync(own, "utf8") : null;
    if (text === null) throw new Error(`no licence text of ${name}: put it into ${relative(here, own)}`);
    return `${name} ${version} (${license})\n${"-".repeat(72)}\n${text.trim()}\n`;
  });
  return `This page is part of Orienteer (Apache-2.0). It was built with these packages inside.\n\n${texts.join("\n\n")}`;
}

/** SHA-256 over path and content of every source, in order of path. tests/observatory/test_static.py does the same. */
function hash() {
  const files = ["build.mjs", "package-lock.json", "package.json", "tsconfig.json", ...walk(source)];
  const sum = createHash("sha256");
  for (const path of files.sort())
    sum
      .update(`${path}\0`)
      .update(readFileSync(join(here, path)))
      .update("\0");
  return sum.digest("hex");
}

function walk(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? walk(path) : [relative(here, path).split(sep).join("/")];
  });
}
