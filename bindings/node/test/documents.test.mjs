// What the README shows works.
import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { execFileSync } from 'node:child_process'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'

const name = process.env.FRAZIL_PACKAGE ?? new URL('../frazil.mjs', import.meta.url).href
const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
const snippets = [...readme.matchAll(/```js( nixpkgs)?\n([^]*?)```/g)]
const nixpkgs = process.env.FRAZIL_NIXPKGS ?? join(homedir(), '.cache/frazil/nixpkgs')

test('there are snippets', () => assert.ok(snippets.length >= 5))

for (const [i, [, needsNixpkgs, text]] of snippets.entries()) {
  const skip = needsNixpkgs && !existsSync(nixpkgs) ? `${nixpkgs} is absent (FRAZIL_NIXPKGS)` : false
  test(`snippet ${i}`, { skip }, () => {
    const where = import.meta.resolve(name)
    const program = text.replaceAll("from 'frazil'", `from ${JSON.stringify(where)}`)
    const file = join(mkdtempSync(join(tmpdir(), 'frazil-readme-')), 'snippet.mjs')
    writeFileSync(file, `console.assert = (holds) => { if (!holds) throw new Error('it does not hold') }\nconst nixpkgs = ${JSON.stringify(nixpkgs)}\n${program}`)
    execFileSync(process.execPath, [file], { stdio: 'pipe' })
  })
}
