// The examples do their job; FRAZIL_EXAMPLES is where they were compiled to.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'

const folder = process.env.FRAZIL_EXAMPLES
if (!folder) throw new Error('FRAZIL_EXAMPLES is the folder of the compiled examples')

test('the web service evaluates, refuses and stops', async (t) => {
  const { start } = await import(pathToFileURL(join(folder, 'server.mjs')).href)
  const server = await start(0)
  t.after(() => server.close())
  const post = async (body) => {
    const response = await fetch(`http://127.0.0.1:${server.address().port}`, { method: 'POST', body })
    return [response.status, await response.json()]
  }
  assert.deepEqual(await post('{ a = 1 + 1; }'), [200, { value: { a: 2 } }])
  const codes = [
    ['builtins.readFile /etc/passwd', 'FRAZIL_RESTRICTED'],
    ['{ a = ; }', 'FRAZIL_SYNTAX'],
    ['let f = n: f (n + 1) + 1; in f 0', 'FRAZIL_CALL_DEPTH'],
    ['let f = s: n: if n == 0 then s else f (s + s) (n - 1); in f "12345678" 40', 'FRAZIL_MEMORY'],
  ]
  for (const [program, code] of codes) {
    const [status, { code: found }] = await post(program)
    assert.deepEqual([status, found], [422, code], program)
  }
  assert.equal((await post('x'.repeat(100_000)))[0], 413)
  const endless = 'builtins.genericClosure { startSet = [ { key = 0; } ]; operator = x: [ { key = x.key + 1; } ]; }'
  const many = await Promise.all(Array.from({ length: 6 }, () => post(endless)))
  assert.ok(many.some(([status]) => status === 503) && many.some(([status]) => status === 422))
  assert.deepEqual(await post('"still there"'), [200, { value: 'still there' }])
})
