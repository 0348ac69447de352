// Runs the cases that all languages have in common in the packed package.
//
//   node contract.mjs PACKAGE CASES     PACKAGE is what is imported
import { readFileSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'

const [name, file] = process.argv.slice(2)
const { NixError, run } = await import(name)
const { cases } = JSON.parse(readFileSync(file))

function outcome(spec) {
  try {
    return { json: run(spec) }
  } catch (error) {
    if (!(error instanceof NixError)) throw error
    return { error: error.toJSON() }
  }
}

let passed = 0
let failed = 0
for (const { name, spec, json, error } of cases) {
  const found = outcome(spec)
  const same =
    error === undefined
      ? isDeepStrictEqual(found, { json })
      : 'error' in found && Object.entries(error).every(([key, part]) => isDeepStrictEqual(found.error[key], part))
  if (same) passed++
  else {
    failed++
    console.error(`failed: ${name}: ${JSON.stringify(found)}`)
  }
}
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = passed > 40 && failed === 0 ? 0 : 1
