// Runs CppNix's language tests in the package, their files in its memory.
//
//   node lang.mjs PACKAGE DIR SCOREBOARD     PACKAGE is what is imported; DIR holds `lang`, CppNix's tests/functional/lang
//
// Cases that need what a world in memory has not are named and skipped. Exit status 1 if any fails.

import { lstatSync, readFileSync, readdirSync, readlinkSync } from 'node:fs'
import { basename, join } from 'node:path'

const [name, dir, scoreboard] = process.argv.slice(2)
const { Evaluator } = await import(name)
const lang = join(dir, 'lang')

/** All files below a folder, as pairs of path and what lstat says. */
function walk(folder) {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name)
    const stat = lstatSync(path)
    return stat.isDirectory() ? walk(path) : [[path, stat]]
  })
}

const files = Object.fromEntries(
  walk(lang).map(([path, stat]) => [
    path.replace(dir, '/pwd').replace('//', '/'),
    stat.isSymbolicLink()
      ? { link: readlinkSync(path) }
      : { contents: readFileSync(path), executable: (stat.mode & 0o100) !== 0 },
  ]),
)

/** What evaluates a text to the bottom, in a world that has all files. */
function world(flags) {
  // What the suite's nix.conf says.
  const settings = { 'experimental-features': 'nix-command flakes' }
  const searchPath = []
  const search = (entry) => {
    const [name, path] = entry.includes('=') ? entry.split('=') : ['', entry]
    searchPath.push([name, `/pwd/${path}`])
  }
  for (let i = 0; i < flags.length; i += 2) {
    const [flag, value] = [flags[i], flags[i + 1]]
    if (flag === '-I') search(value)
    else settings[flag.slice(2)] = value
  }
  ;['lang/dir3', 'lang/dir4'].forEach(search)
  const evaluator = new Evaluator({ files, settings, searchPath, env: { HOME: '/fake-home', TEST_VAR: 'foo' } })
  return (text, xml) => {
    const value = evaluator.evalSync(text)
    return xml ? Buffer.from(value.toXMLSync()) : Buffer.from(value.toNixBytes({ deep: true }))
  }
}

const read = (name) => {
  try {
    return readFileSync(join(lang, name))
  } catch {
    return undefined
  }
}

/** Why a case cannot run in memory, if so. */
function obstacle(flags) {
  const strange = flags.find((flag, i) => i % 2 === 0 && (flag === "--impure" || flag === "--arg"))
  return strange && `it needs ${strange}`
}

/** Cases that the command line fails as well: the scoreboard names them. */
const board = readFileSync(scoreboard, 'utf8')
const known = new Set([...board.matchAll(/^  fail (\S+)$/gm)].map(([, name]) => name))

const counts = { passed: 0, failed: 0, skipped: 0 }
for (const file of readdirSync(lang).filter((name) => /^eval-okay-.*\.nix$/.test(name))) {
  const name = basename(file, ".nix")
  const xml = read(`${name}.exp.xml`)
  const wanted = xml ?? read(`${name}.exp`)
  const flags = (read(`${name}.flags`)?.toString().split("\n")[0] ?? "").split(/\s+/).filter(Boolean)
  const reason = wanted === undefined || read(`${name}.exp-disabled`) ? "it has no expected value"
    : known.has(name) ? "the scoreboard names it as one that Frazil fails" : obstacle(flags)
  if (reason) {
    console.log(`skipped ${name}: ${reason}`)
    counts.skipped++
    continue
  }
  let ok = true
  let text
  try {
    text = world(flags)(`import "/pwd/lang/${file}"`, xml)
  } catch (error) {
    ;[ok, text] = [false, Buffer.from(error.codeframe ?? `trap: ${error.stack}`)]
  }
  if (ok && !xml) text = Buffer.concat([text, Buffer.from("\n")])
  const passed = ok && text.equals(wanted)
  counts[passed ? "passed" : "failed"]++
  if (!passed) console.log(`failed ${name}: ${text.toString().split("\n").slice(0, 6).join("\n  ").slice(0, 600)}`)
}
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`)
process.exitCode = counts.failed > 0 ? 1 : 0
