// Runs CppNix's language tests in the wasm module, their files in its memory.
//
//   node lang.mjs MODULE DIR     DIR holds `lang`, CppNix's tests/functional/lang
//
// Cases that need what a world in memory has not are named and skipped. Exit status 1 if any fails.

import { lstatSync, readFileSync, readdirSync, readlinkSync } from "node:fs";
import { basename, join } from "node:path";

const [module, dir] = process.argv.slice(2);
const compiled = await WebAssembly.compile(readFileSync(module));
const encoder = new TextEncoder();
const lang = join(dir, "lang");

/** All files below a folder, as pairs of path and what lstat says. */
function walk(folder) {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    const stat = lstatSync(path);
    return stat.isDirectory() ? walk(path) : [[path, stat]];
  });
}

const files = walk(lang).map(([path, stat]) => {
  const kind = stat.isSymbolicLink() ? "link" : stat.mode & 0o100 ? "executable" : "file";
  const contents = kind === "link" ? encoder.encode(readlinkSync(path)) : readFileSync(path);
  return { kind, path: path.replace(dir, "/pwd").replace("//", "/"), contents };
});

/** A fresh module with all files in its world. */
async function world(flags) {
  const { exports: frazil } = await WebAssembly.instantiate(compiled);
  const put = (bytes) => {
    const data = typeof bytes === "string" ? encoder.encode(bytes) : bytes;
    const at = frazil.frazil_alloc(data.length);
    new Uint8Array(frazil.memory.buffer, at, data.length).set(data);
    return [at, data.length];
  };
  const handle = frazil.frazil_world_new();
  const tell = (what, a, b) => frazil[`frazil_world_${what}`](handle, ...put(a), ...put(b));
  for (const { kind, path, contents } of files) tell(kind, path, contents);
  tell("env", "HOME", "/fake-home");
  tell("env", "TEST_VAR", "foo");
  // What the suite's nix.conf says.
  tell("set", "experimental-features", "nix-command flakes");
  for (let i = 0; i < flags.length; i += 2) {
    const [flag, value] = [flags[i], flags[i + 1]];
    if (flag === "-I") search(tell, value);
    else tell("set", flag.slice(2), value);
  }
  ["lang/dir3", "lang/dir4"].forEach((path) => search(tell, path));
  const evaluate = (text, form) => {
    const answer = frazil.frazil_eval(handle, ...put(text), form);
    const [at, len] = [frazil.frazil_answer_text(answer), frazil.frazil_answer_len(answer)];
    const bytes = Buffer.from(new Uint8Array(frazil.memory.buffer, at, len));
    return [frazil.frazil_answer_ok(answer) === 1, bytes];
  };
  return evaluate;
}

function search(tell, entry) {
  const [name, path] = entry.includes("=") ? entry.split("=") : ["", entry];
  tell("search", name, `/pwd/${path}`);
}

const read = (name) => {
  try {
    return readFileSync(join(lang, name));
  } catch {
    return undefined;
  }
};

/** Why a case cannot run in memory, if so. */
function obstacle(flags) {
  const strange = flags.find((flag, i) => i % 2 === 0 && (flag === "--impure" || flag === "--arg"));
  return strange && `it needs ${strange}`;
}

/** Cases that the command line fails as well: the scoreboard names them. */
const board = readFileSync(new URL("../../cli/tests/scoreboard.txt", import.meta.url), "utf8");
const known = new Set([...board.matchAll(/^  fail (\S+)$/gm)].map(([, name]) => name));

const counts = { passed: 0, failed: 0, skipped: 0 };
for (const file of readdirSync(lang).filter((name) => /^eval-okay-.*\.nix$/.test(name))) {
  const name = basename(file, ".nix");
  const xml = read(`${name}.exp.xml`);
  const wanted = xml ?? read(`${name}.exp`);
  const flags = (read(`${name}.flags`)?.toString().split("\n")[0] ?? "").split(/\s+/).filter(Boolean);
  const reason = wanted === undefined || read(`${name}.exp-disabled`) ? "it has no expected value"
    : known.has(name) ? "the scoreboard names it as one that Frazil fails" : obstacle(flags);
  if (reason) {
    console.log(`skipped ${name}: ${reason}`);
    counts.skipped++;
    continue;
  }
  let ok, text;
  try {
    [ok, text] = (await world(flags))(`import "/pwd/lang/${file}"`, xml ? 1 : 0);
  } catch (trap) {
    [ok, text] = [false, Buffer.from(`trap: ${trap.message}`)];
  }
  if (ok && !xml) text = Buffer.concat([text, Buffer.from("\n")]);
  const passed = ok && text.equals(wanted);
  counts[passed ? "passed" : "failed"]++;
  if (!passed) console.log(`failed ${name}: ${text.toString().split("\n").slice(0, 6).join("\n  ").slice(0, 600)}`);
}
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
process.exitCode = counts.failed > 0 ? 1 : 0;
