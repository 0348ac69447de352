// The cases that all languages have in common.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'

const name = process.env.FRAZIL_PACKAGE ?? new URL('../frazil.mjs', import.meta.url).href
const { Evaluator } = await import(name)
const { cases } = JSON.parse(readFileSync(process.env.FRAZIL_CONTRACT ?? new URL('../../contract/cases.json', import.meta.url)))

async function run({ expr, attr, args = {}, options }) {
  const evaluator = new Evaluator(options)
  let value = await evaluator.eval(expr)
  if (value.kind === 'function') {
    const named = Object.entries(args).map(([name, text]) => [name, evaluator.evalSync(text)])
    value = await value.call(Object.fromEntries(named))
  }
  return (attr === undefined ? value : await value.path(attr)).toJS()
}

test('there are cases', () => assert.ok(cases.length > 40))

for (const { name, spec, json, error } of cases) {
  test(name, async () => {
    if (error === undefined) return assert.deepEqual(await run(spec), json)
    await assert.rejects(run(spec), (caught) => {
      const fields = caught.toJSON()
      for (const [key, part] of Object.entries(error)) assert.deepEqual(fields[key], part)
      return true
    })
  })
}
