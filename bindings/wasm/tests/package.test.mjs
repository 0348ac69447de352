// What JavaScript sees of the package, installed. The README's snippets are run, too.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { brotliCompressSync } from 'node:zlib'
import { Evaluator, NixError, Tree, evaluate, evaluateSync } from '@frazil/wasm'
import { unpack } from '@frazil/wasm/archives'

const thrown = (work) => {
  try {
    work()
  } catch (error) {
    return error
  }
  assert.fail('nothing was thrown')
}

test('the module is small', () => {
  const module = createRequire(import.meta.url).resolve('@frazil/wasm/module.wasm')
  const bytes = brotliCompressSync(readFileSync(module)).length
  console.log(`module: ${statSync(module).size} bytes, ${bytes} after brotli`)
  assert.ok(bytes <= 450_000)
})

test('programs become data', async () => {
  assert.deepEqual(await evaluate('{ ports = map (n: n + 8000) [ 1 2 ]; }'), { ports: [8001, 8002] })
  assert.equal(evaluateSync('9223372036854775807', { bigint: true }), 9223372036854775807n)
  assert.equal(thrown(() => evaluateSync('9223372036854775807')).code, 'FRAZIL_TYPE')
})

test('values are lazy', () => {
  const evaluator = new Evaluator()
  const value = evaluator.evalSync('{ a = 1 + 1; b = throw "no"; c = [ (2 * 3) { } ]; }')
  assert.deepEqual(value.entries().map(({ name, kind }) => [name, kind]), [['a', 'thunk'], ['b', 'thunk'], ['c', 'thunk']])
  assert.deepEqual(value.get('a').forceSync().toJSSync(), 2)
  assert.deepEqual(value.entries()[0], { name: 'a', kind: 'int', text: '2' })
  assert.equal(thrown(() => value.get('b').forceSync()).message, 'no')
  assert.equal(value.pathSync('c.0').toJSSync(), 6)
  assert.deepEqual([value.get('d'), value.length, value.names()], [undefined, 3, ['a', 'b', 'c']])
  assert.equal(value.get('c').toNixSync({ deep: true }), '[ 6 { } ]')
})

test('functions are called with values and data', () => {
  const evaluator = new Evaluator()
  const add = evaluator.evalSync('a: { b, c }: a + b + c.d')
  assert.equal(add.callSync(1, { b: evaluator.evalSync('2'), c: { d: 3 } }).toJSSync(), 6)
  const about = evaluator.evalSync('let /** Twice. */ f = x: x * 2; in f').about()
  assert.deepEqual([about.doc, about.position.column], ['Twice.', 23])
})

test('errors have codes and places', () => {
  const error = thrown(() => new Evaluator().evalSync('{\n  a = { colour = 1; }.color;\n}.a'))
  assert.ok(error instanceof NixError)
  assert.equal(error.code, 'FRAZIL_MISSING_ATTRIBUTE')
  assert.deepEqual([error.labels[0].line, error.helpMessage], [2, 'Did you mean colour?'])
  assert.match(error.codeframe, /error: attribute 'color' missing/)
})

test('texts are checked: all errors and lints, in the units that are asked for', () => {
  const evaluator = new Evaluator()
  const text = '{ a = "é😀"; b = missing; }'
  const at = (encoding) => evaluator.check(text, { encoding }).map(({ from, to, rule }) => [from, to, rule])
  assert.deepEqual(at('utf-16'), [[text.indexOf('missing'), text.indexOf('missing') + 7, 'undefined-variable']])
  assert.deepEqual(at('utf-8')[0][0], Buffer.from(text).indexOf('missing'))
  assert.equal(evaluator.check('{ a = ; b = 1 + ; }').length, 2)
  const [lint] = evaluator.check('x: { x = x; }')
  assert.deepEqual([lint.rule, lint.severity], ['manual-inherit', 'info'])
  assert.ok(lint.fix.length > 0)
  assert.deepEqual(evaluator.check('x: { x = x; }', { lints: false }), [])
})

test('files, links, environment and search path', () => {
  const evaluator = new Evaluator({
    files: { '/lib/default.nix': 'import ./link.nix', '/lib/link.nix': { link: 'real.nix' }, '/lib/real.nix': new TextEncoder().encode('42') },
    paths: { lib: '/lib' }, env: { USER: 'me' },
  })
  assert.deepEqual(evaluator.evalSync('[ (import <lib>) (builtins.getEnv "USER") ]').toJSSync(), [42, 'me'])
  assert.ok(evaluator.inputs().files.includes('/lib/default.nix'))
  assert.equal(thrown(() => evaluator.evalSync('builtins.readFile /etc/passwd')).code, 'FRAZIL_FILE')
})

test('archives are trees', async () => {
  const work = mkdtempSync(join(tmpdir(), 'frazil-'))
  mkdirSync(join(work, 'top/sub'), { recursive: true })
  writeFileSync(join(work, 'top/default.nix'), 'import ./link.nix')
  writeFileSync(join(work, 'top/sub/x.nix'), '7')
  writeFileSync(join(work, 'top/sub/run'), '#!/bin/sh\n', { mode: 0o755 })
  symlinkSync('sub/x.nix', join(work, 'top/link.nix'))
  for (const [name, flags] of [['a.tar', ['-cf']], ['a.tar.gz', ['-czf']], ['a.tar.xz', ['-cJf']]]) {
    execFileSync('tar', [...flags, name, 'top'], { cwd: work })
    const archive = await unpack(readFileSync(join(work, name)))
    assert.deepEqual(archive.entries.map(([path, kind]) => `${path} ${kind}`).sort(), ['default.nix file', 'link.nix link', 'sub/run executable', 'sub/x.nix file'])
    const evaluator = new Evaluator({ trees: [new Tree('/src', archive)], files: { '/src/sub/added.nix': '8' } })
    assert.equal(evaluator.evalSync('import /src').toJSSync(), 7)
    assert.deepEqual(evaluator.evalSync('builtins.readDir /src/sub').toJSSync(), { 'added.nix': 'regular', run: 'regular', 'x.nix': 'regular' })
  }
  await assert.rejects(unpack(new TextEncoder().encode('no archive')))
})

test('limits end evaluations, and the evaluator works on', () => {
  const endless = 'builtins.genericClosure { startSet = [ { key = 0; } ]; operator = x: [ { key = x.key + 1; } ]; }'
  const of = (limits, program) => {
    const evaluator = new Evaluator({ limits })
    const { code } = thrown(() => evaluator.evalSync(program))
    assert.equal(evaluator.evalSync('1 + 1').toJSSync(), 2)
    return code
  }
  assert.equal(of({ steps: 100_000 }, endless), 'FRAZIL_STEPS')
  assert.equal(of({ seconds: 0.2 }, endless), 'FRAZIL_TIME')
  assert.equal(of({ memoryMiB: 32 }, "builtins.foldl' (l: n: l ++ l) [ 1 2 3 4 ] (builtins.genList (n: n) 40)"), 'FRAZIL_MEMORY')
  assert.equal(of({}, 'let f = n: 1 + f n; in f 0'), 'FRAZIL_CALL_DEPTH')
  const begin = Date.now()
  const evaluator = new Evaluator({ interrupt: () => Date.now() - begin > 200 })
  assert.equal(thrown(() => evaluator.evalSync(endless)).code, 'FRAZIL_CANCELLED')
})

test('untrusted programs are refused or stopped', () => {
  const laughs = Array.from({ length: 60 }, (_, i) => `a${i + 1} = { l = a${i}; r = a${i}; };`).join(' ')
  const laughter = (body) => `let a0 = { x = "ha"; }; ${laughs} in ${body}`
  const text = 'let s = builtins.concatStringsSep "x" (builtins.genList toString 90000); in'
  const limit = ['FRAZIL_STEPS', 'FRAZIL_MEMORY', 'FRAZIL_TIME']
  const boom = () => {
    throw new Error('boom')
  }
  const evaluator = new Evaluator({ files: { '/open/x': 'x' }, functions: { boom }, limits: { memoryMiB: 64, seconds: 10, steps: 20_000_000 } })
  for (const [program, ...codes] of [
    // What is not given to the module is not there.
    ['builtins.readFile /etc/passwd', 'FRAZIL_FILE'],
    ['builtins.readFile /open/../etc/passwd', 'FRAZIL_FILE'],
    ['builtins.readDir /etc', 'FRAZIL_FILE'],
    ['import /etc/passwd', 'FRAZIL_FILE'],
    ['builtins.fetchurl "http://localhost"', 'FRAZIL_UNAVAILABLE'],
    ['builtins.readFile (builtins.storePath /nix/store/00000000000000000000000000000000-x)', 'FRAZIL_EVAL'],
    ['builtins.genericClosure { startSet = [ { key = 0; } ]; operator = x: [ { key = x.key + 1; } ]; }', ...limit],
    ['let f = s: n: if n == 0 then s else f (s + s) (n - 1); in f "12345678" 40', 'FRAZIL_MEMORY'],
    [`${text} builtins.replaceStrings [ "" ] [ s ] s`, 'FRAZIL_MEMORY'],
    [`${text} builtins.genList (n: s) 3000`, 'FRAZIL_MEMORY'],
    ['let f = n: 1 + f n; in f 0', 'FRAZIL_CALL_DEPTH'],
    [laughter('a60'), ...limit],
    [laughter('builtins.toJSON a60'), ...limit],
    ['boom 1', 'FRAZIL_HOST_FUNCTION'],
  ]) {
    const { code } = thrown(() => evaluator.evalSync(program).toJSSync())
    assert.ok(codes.includes(code), `${program}: ${code}`)
    assert.equal(evaluator.evalSync('1 + 1').toJSSync(), 2, 'the evaluator works on')
  }
  assert.equal(evaluator.evalSync('builtins.getEnv "PATH"').toJSSync(), '')
  assert.equal(evaluator.evalSync('builtins.pathExists /etc/passwd').toJSSync(), false)
})

test('a function may fail in any way', () => {
  const cyclic = {}
  cyclic.itself = cyclic
  const functions = {
    nothing: (_) => { throw undefined },
    text: (_) => { throw 'a text' },
    speechless: (_) => { throw { toString: () => { throw new Error('not even its name') } } },
    nameless: (_) => { throw Object.create(null) },
    endless: (n) => functions.endless(n),
    cyclic: (_) => cyclic,
    big: (_) => 1n,
    nan: (_) => NaN,
  }
  const evaluator = new Evaluator({ functions })
  for (const name of Object.keys(functions)) {
    assert.equal(thrown(() => evaluator.evalSync(`${name} 1`)).code, 'FRAZIL_HOST_FUNCTION', name)
    assert.equal(evaluator.evalSync('1 + 1').toJSSync(), 2)
  }
})

test('functions and values of the embedder', () => {
  const failing = () => {
    throw new RangeError('too far')
  }
  const evaluator = new Evaluator({ functions: { area: (width, height) => width * height, failing }, values: { unit: 'm²' } })
  assert.equal(evaluator.evalSync('"${toString (area 2 3)} ${unit}"').toJSSync(), '6 m²')
  const error = thrown(() => evaluator.evalSync('failing 1'))
  assert.equal(error.code, 'FRAZIL_HOST_FUNCTION')
  assert.ok(error.cause instanceof RangeError)
})

test('events are told', () => {
  const seen = []
  const evaluator = new Evaluator({ onEvent: (kind, text) => seen.push([kind, text]), files: { '/x.nix': '1' } })
  evaluator.evalSync('builtins.trace "here" (builtins.warn "careful" (import /x.nix))')
  assert.deepEqual(seen, [['trace', 'here'], ['warn', 'careful'], ['read', '/x.nix']])
})

test('derivations have texts, and jobs are walked over', async () => {
  const evaluator = new Evaluator({ keepDerivations: true })
  const set = evaluator.evalSync(`let d = name: inputs: derivation { inherit name inputs; system = "x86_64-linux"; builder = "/bin/sh"; };
    in { a = d "a" [ ]; b = d "b" [ (d "a" [ ]) ]; bad = throw "broken"; }`)
  const jobs = []
  for await (const job of evaluator.jobs(set)) jobs.push(job)
  assert.deepEqual(jobs.map(({ attr, ok }) => [attr, ok]), [['a', true], ['b', true], ['bad', false]])
  assert.equal(jobs[2].error.message, 'broken')
  const [a, b] = jobs.map(({ drvPath }) => drvPath)
  assert.deepEqual(Object.keys(evaluator.derivationFile(b).inputDrvs), [a])
  const closure = evaluator.derivationClosure([b])
  assert.deepEqual([...closure.keys()].sort(), [a, b].sort())
  assert.match(closure.get(b), /^Derive\(\[\("out"/)
  assert.equal(await set.get('a').drvPath(), a)
})

test('a look inside', () => {
  const evaluator = new Evaluator({ patient: true })
  assert.match(evaluator.explain('tokens', 'a: a'), /^Ident@0\.\.1 "a"/)
  assert.match(evaluator.explain('tree', '1 + 1'), /BinaryExpr@0\.\.5/)
  assert.match(evaluator.explain('bytecode', '1 + 1'), /Plus/)
  evaluator.watchForces(100)
  evaluator.evalSync('let a = 1 + b; b = 2; c = throw "no"; in a')
  const force = evaluator.forces().find(({ position }) => position?.column === 11)
  assert.deepEqual([force.kind, force.text], ['int', '3'])
  assert.ok(evaluator.counts().forced > 0 && evaluator.collect() > 0)
  assert.ok(evaluator.globals().includes('map'))
})

test('an evaluator that was disposed of is of no use, nor are its values', () => {
  const evaluator = new Evaluator()
  const value = evaluator.evalSync('{ a = 1; }')
  evaluator.dispose()
  assert.match(thrown(() => value.get('a')).message, /disposed/)
  assert.match(thrown(() => evaluator.evalSync('1')).message, /disposed/)
  assert.equal(evaluateSync('2'), 2)
})

const readme = readFileSync(new URL('README.md', import.meta.url), 'utf8')
const snippets = [...readme.matchAll(/```js\n(.*?)```/gs)].map(([, text]) => text)
test('the snippets of the README run', async () => {
  assert.ok(snippets.length >= 5)
  for (const [i, snippet] of snippets.entries()) {
    const file = new URL(`snippet-${i}.mjs`, import.meta.url)
    // A failed `console.assert` only prints.
    writeFileSync(file, `import assert from 'node:assert/strict'\n${snippet.replaceAll('console.assert', 'assert.ok')}`)
    await import(file)
  }
})

test('the web build is started by hand', async () => {
  const web = await import('@frazil/wasm/web')
  const module = createRequire(import.meta.url).resolve('@frazil/wasm/module.wasm')
  web.initSync({ module: readFileSync(module) })
  assert.equal(new web.Evaluator().evalSync('1 + 1').toJSSync(), 2)
})
