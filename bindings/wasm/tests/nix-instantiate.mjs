// `nix-instantiate` as far as language suites call it, by the package: its world is `lang` below the working directory, in memory.
//
//   node nix-instantiate.mjs PACKAGE FLAG… [FILE]

import { lstatSync, readFileSync, readdirSync, readlinkSync, writeSync } from 'node:fs'
import { join, resolve } from 'node:path'

const [name, ...words] = process.argv.slice(2)
const { Evaluator, NixError } = await import(name)

/** The files below a folder, as the package takes them. */
function* below(folder) {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name)
    const stat = lstatSync(path)
    if (stat.isDirectory()) yield* below(path)
    else if (stat.isSymbolicLink()) yield [path, { link: readlinkSync(path) }]
    else yield [path, { contents: readFileSync(path), executable: (stat.mode & 0o100) !== 0 }]
  }
}

const SWITCHES = ['--eval', '--strict', '--parse', '--xml', '--no-location', '--show-trace', '--no-show-trace', '--impure', '-']
// What the suites' nix.conf says.
const settings = { 'experimental-features': 'nix-command flakes' }
const [on, searchPath, args, limits] = [new Set(), [], {}, {}]
let file, attribute
const search = (entry) => {
  const [prefix, path] = entry.includes('=') ? entry.split('=') : ['', entry]
  searchPath.push([prefix, resolve(path)])
}
while (words.length > 0) {
  const word = words.shift()
  if (SWITCHES.includes(word)) on.add(word)
  else if (word === '-I') search(words.shift())
  else if (word === '-A') attribute = words.shift()
  else if (word === '--arg') args[words.shift()] = { expression: words.shift() }
  else if (word === '--argstr') args[words.shift()] = words.shift()
  else if (word === '--max-call-depth') limits.depth = Number(words.shift())
  else if (word.startsWith('--extra-')) settings[word.slice(8)] += ` ${words.shift()}`
  else if (word.startsWith('--')) settings[word.slice(2)] = words.shift()
  else file = resolve(word)
}
const input = on.has('-') ? readFileSync(0, 'utf8') : undefined
for (const entry of (process.env.NIX_PATH ?? '').split(':').filter(Boolean)) search(entry)

const say = (text) => writeSync(2, `${text}\n`)
const prefixes = { trace: 'trace: ', warn: 'warning: ', message: '' }

/** What is printed, by an evaluator that tells events to `onEvent`. */
function printed({ patient, onEvent }) {
  // There is a store.
  const files = { ...Object.fromEntries(below(resolve('lang'))), '/nix/store/.links': '' }
  const evaluator = new Evaluator({ files, env: process.env, settings, searchPath, limits, patient, onEvent })
  if (on.has('--parse')) return `${evaluator.parse(input, { base: process.cwd() })}\n`
  const given = Object.entries(args).map(([name, arg]) => [
    name,
    typeof arg === 'string' ? arg : evaluator.evalSync(arg.expression, { base: process.cwd() }),
  ])
  let value = evaluator.evalFileSync(file, given.length > 0 ? { args: Object.fromEntries(given) } : {})
  if (attribute) value = value.pathSync(attribute)
  if (on.has('--xml')) return value.toXMLSync()
  return Buffer.concat([value.toNixBytes({ deep: on.has('--strict') }), Buffer.from('\n')])
}

/** Calls `work`; what it throws is CppNix's error, or a fault. */
function attempt(work) {
  try {
    return { text: work() }
  } catch (error) {
    if (!(error instanceof NixError) || error.code === 'FRAZIL_INTERNAL') throw error
    return { error }
  }
}

const onEvent = (kind, text) => kind in prefixes && say(prefixes[kind] + text)
const { text, error } = attempt(() => printed({ patient: false, onEvent }))
if (error) {
  // As on the command line, what fails is asked once more, quietly, of an evaluator that is as lazy as CppNix.
  const again = attempt(() => printed({ patient: true, onEvent: () => {} })).error ?? error
  say((on.has('--no-show-trace') ? again.codeframe : again.renderFull()).replaceAll('«string»', '«stdin»'))
  if (again.code === 'FRAZIL_USAGE') say("Try 'nix-instantiate --help' for more information.")
  process.exitCode = 1
} else {
  writeSync(1, text)
}
