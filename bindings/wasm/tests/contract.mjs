// Runs the cases that all languages have in common in the wasm module.
//
//   node contract.mjs MODULE CASES

import { readFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";

const [module, file] = process.argv.slice(2);
const compiled = await WebAssembly.compile(readFileSync(module));
const { cases } = JSON.parse(readFileSync(file));
const encoder = new TextEncoder();

async function run(spec) {
  const { exports: frazil } = await WebAssembly.instantiate(compiled);
  const bytes = encoder.encode(JSON.stringify(spec));
  const at = frazil.frazil_alloc(bytes.length);
  new Uint8Array(frazil.memory.buffer, at, bytes.length).set(bytes);
  const answer = frazil.frazil_run(at, bytes.length);
  const [text, len] = [frazil.frazil_answer_text(answer), frazil.frazil_answer_len(answer)];
  const json = JSON.parse(Buffer.from(new Uint8Array(frazil.memory.buffer, text, len)).toString());
  return frazil.frazil_answer_ok(answer) === 1 ? { json } : { error: json };
}

let passed = 0;
let failed = 0;
for (const { name, spec, json, error } of cases) {
  const found = await run(spec);
  const same =
    error === undefined
      ? isDeepStrictEqual(found, { json })
      : "error" in found && Object.entries(error).every(([key, part]) => isDeepStrictEqual(found.error[key], part));
  if (same) passed++;
  else {
    failed++;
    console.error(`failed: ${name}: ${JSON.stringify(found)}`);
  }
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = passed > 40 && failed === 0 ? 0 : 1;
