// The package as its users see it. FRAZIL_PACKAGE is what is imported; else the one beside this folder.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'

const name = process.env.FRAZIL_PACKAGE ?? new URL('../frazil.mjs', import.meta.url).href
const { Evaluator, NixError, Value, evaluate, evaluateSync } = await import(name)

const ENDLESS = 'builtins.genericClosure { startSet = [ { key = 0; } ]; operator = x: [ { key = x.key + 1; } ]; }'

const rejects = async (program, code, options) => {
  const evaluator = new Evaluator(options)
  let caught
  await assert.rejects(
    async () => (await evaluator.eval(program)).toJS(),
    (error) => {
      caught = error
      assert.ok(error instanceof NixError, String(error))
      const codes = Array.isArray(code) ? code : [code]
      assert.ok(codes.includes(error.code), `${program}: ${error.code}: ${error.message}`)
      return true
    },
  )
  assert.equal(evaluator.evalSync('1 + 1').toJSSync(), 2, 'the evaluator works on')
  return caught
}

test('ES module and CommonJS are one', () => {
  const require = createRequire(import.meta.url)
  const common = require(process.env.FRAZIL_PACKAGE ?? '../frazil.js')
  assert.equal(common.Evaluator, Evaluator)
})

test('data of every kind', async () => {
  const text = '{ n = null; t = true; i = 9007199254740991; f = 1.5; s = "é\\n"; p = /a/b; l = [ 1 [ ] { } ]; a.b = { }; }'
  const data = await evaluate(text)
  assert.deepEqual(data, { a: { b: {} }, f: 1.5, i: 2 ** 53 - 1, l: [1, [], {}], n: null, p: '/a/b', s: 'é\n', t: true })
  assert.deepEqual(new Evaluator().value(data).toJSSync(), data)
  assert.deepEqual(evaluateSync('[ ]'), [])
})

test('large integers', async () => {
  await assert.rejects(evaluate('9007199254740992'), { code: 'FRAZIL_TYPE' })
  assert.deepEqual(await evaluate('[ 9007199254740993 1 "n" ]', { bigint: true }), [9007199254740993n, 1, 'n'])
})

test('values are lazy', async () => {
  const value = await new Evaluator().eval('{ a = throw "never"; l = [ 1 (throw "never") ]; }')
  assert.ok(value instanceof Value)
  assert.deepEqual(value.names(), ['a', 'l'])
  assert.equal(value.length, 2)
  assert.equal(value.get('a').kind, 'thunk')
  assert.equal(value.get('b'), undefined)
  assert.equal(value.get('l').get(0).toJSSync(), 1)
  assert.equal(value.get('l').get(2), undefined)
  await assert.rejects(value.path('a'), { code: 'FRAZIL_THROWN' })
})

test('calls', async () => {
  const evaluator = new Evaluator()
  const f = await evaluator.eval('{ a, b ? 2, f }: f (a + b)')
  const double = evaluator.evalSync('n: n * 2')
  assert.equal(await (await f.call({ a: 1, f: double })).toJS(), 6)
  assert.equal(evaluator.evalSync('a: b: a - b').callSync(5, 3).toJSSync(), 2)
  await assert.rejects(async () => evaluator.evalSync('x: x').call(new Evaluator().evalSync('1')), NixError)
})

test('errors have codes, places and frames', async () => {
  const error = await rejects('{\n  a = throw "no";\n}', 'FRAZIL_THROWN')
  assert.equal(error.message, 'no')
  assert.equal(error.labels[0].line, 2)
  assert.match(error.codeframe, /throw "no"/)
  assert.ok(error.trace.length > 0 && error.renderFull().includes('error: no'))
  const syntax = await rejects('{\n a = ;\n}', 'FRAZIL_SYNTAX')
  assert.deepEqual({ ...syntax.labels[0], message: '' }, { file: '«string»', line: 2, column: 6, start: 7, end: 8, message: '' })
  const text = '{ f = throw "no" + "!"; }.f'
  const { start, end } = (await rejects(text, 'FRAZIL_THROWN')).labels[0]
  assert.equal(text.slice(start, end), 'throw "no"')
  const missing = await rejects('{ colour = 1; }.color', 'FRAZIL_MISSING_ATTRIBUTE')
  assert.equal(missing.helpMessage, 'Did you mean colour?')
  assert.equal(new Evaluator().check('{ a = ; b = ; }').length, 2)
  assert.ok(JSON.stringify(missing).includes('missing-attribute'))
})

test('code is kept for the next process', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'frazil-'))
  const program = join(dir, 'program.nix')
  writeFileSync(program, `# ${'-'.repeat(2100)}\n{ a = 1; }`)
  for (let n = 0; n < 2; n++) {
    const evaluator = new Evaluator({ roots: [program], cache: join(dir, 'cache') })
    assert.deepEqual(await (await evaluator.evalFile(program)).toJS(), { a: 1 })
    const shards = readdirSync(join(dir, 'cache', 'code'))
    assert.equal(shards.length, 1)
    assert.equal(readdirSync(join(dir, 'cache', 'code', shards[0])).length, 1)
  }
})

test('untrusted programs are refused or stopped', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'frazil-'))
  const secret = join(dir, 'secret')
  writeFileSync(secret, 'secret')
  mkdirSync(join(dir, 'open'))
  symlinkSync(secret, join(dir, 'open', 'link'))
  process.env.FRAZIL_SECRET = '1'
  const roots = [join(dir, 'open')]
  await rejects(`builtins.readFile ${secret}`, 'FRAZIL_RESTRICTED', { roots })
  await rejects(`builtins.readFile ${dir}/open/link`, 'FRAZIL_RESTRICTED', { roots })
  await rejects(`import ${secret}`, 'FRAZIL_RESTRICTED')
  await rejects(`"\${${secret}}"`, 'FRAZIL_RESTRICTED')
  await rejects('builtins.fetchurl "http://localhost"', 'FRAZIL_UNAVAILABLE')
  await rejects('builtins.readFile (builtins.storePath /nix/store/00000000000000000000000000000000-x)', 'FRAZIL_RESTRICTED')
  assert.equal(evaluateSync('builtins.getEnv "FRAZIL_SECRET"'), '')
  assert.equal(evaluateSync('builtins.getEnv "FRAZIL_SECRET"', { variables: ['FRAZIL_SECRET'] }), '1')
  const limits = { memoryMiB: 64, seconds: 5, steps: 50_000_000 }
  const limit = ['FRAZIL_MEMORY', 'FRAZIL_STEPS', 'FRAZIL_TIME']
  await rejects(ENDLESS, limit, { limits })
  await rejects(ENDLESS, 'FRAZIL_TIME', { limits: { seconds: 0.05 } })
  await rejects(ENDLESS, 'FRAZIL_STEPS', { limits: { steps: 100_000 } })
  await rejects('let f = s: n: if n == 0 then s else f (s + s) (n - 1); in f "12345678" 40', 'FRAZIL_MEMORY', { limits })
  await rejects('let f = n: 1 + f n; in f 0', 'FRAZIL_CALL_DEPTH', { limits })
  const laughs = Array.from({ length: 60 }, (_, i) => `a${i + 1} = { l = a${i}; r = a${i}; };`).join(' ')
  await rejects(`let a0 = { x = "ha"; }; ${laughs} in a60`, limit, { limits })
  await rejects(`let a0 = { x = "ha"; }; ${laughs} in builtins.toJSON a60`, limit, { limits })
  const text = 'let s = builtins.concatStringsSep "x" (builtins.genList toString 90000); in '
  await rejects(`${text} builtins.replaceStrings [ "" ] [ s ] s`, 'FRAZIL_MEMORY', { limits })
  await rejects(`${text} builtins.genList (n: s) 3000`, 'FRAZIL_MEMORY', { limits })
  const error = await rejects('boom 1', 'FRAZIL_HOST_FUNCTION', { limits, functions: { boom: () => { throw new Error('no') } } })
  assert.equal(error.cause.message, 'no')
})

test('a function may fail in any way', async () => {
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
  for (const name of Object.keys(functions)) {
    for (const run of ['eval', 'evalSync']) {
      const evaluator = new Evaluator({ functions })
      await assert.rejects(async () => evaluator[run](`${name} 1`), { code: 'FRAZIL_HOST_FUNCTION' }, `${name} in ${run}`)
      assert.equal(evaluator.evalSync('1 + 1').toJSSync(), 2)
    }
  }
})

test('functions of JavaScript', async () => {
  const functions = {
    add: (a, b) => a + b,
    boom: () => {
      throw new RangeError('boom')
    },
    nothing: (_) => undefined,
    promise: async (_) => 1,
  }
  const evaluator = new Evaluator({ functions, values: { answer: { n: [42] } } })
  assert.deepEqual(evaluator.evalSync('map (add 1) [ 1 2 ]').toJSSync(), [2, 3])
  assert.deepEqual(await (await evaluator.eval('map (add 1) answer.n')).toJS(), [43])
  assert.equal(evaluator.evalSync('nothing 1').toJSSync(), null)
  for (const run of [() => evaluator.eval('boom 1'), async () => evaluator.evalSync('boom 1')]) {
    await assert.rejects(run, (error) => error.code === 'FRAZIL_HOST_FUNCTION' && error.cause instanceof RangeError)
  }
  await assert.rejects(evaluator.eval('promise 1'), /promise/)
})

test('a function that uses the busy evaluator is told so', async () => {
  let evaluator
  const functions = { again: (text) => evaluator.evalSync(text).toJSSync() }
  evaluator = new Evaluator({ functions })
  for (const run of [() => evaluator.eval('again "1"'), async () => evaluator.evalSync('again "1"')]) {
    await assert.rejects(run, (error) => error.cause?.code === 'FRAZIL_BUSY')
  }
})

test('signals stop evaluations', async () => {
  const evaluator = new Evaluator()
  await assert.rejects(evaluator.eval(ENDLESS, { signal: AbortSignal.timeout(50) }), { name: 'TimeoutError' })
  const controller = new AbortController()
  const pending = evaluator.eval(ENDLESS, { signal: controller.signal })
  setTimeout(() => controller.abort(), 50)
  await assert.rejects(pending, { name: 'AbortError' })
  assert.equal(await (await evaluator.eval('1')).toJS(), 1)
  const endless = evaluator.eval(ENDLESS)
  setTimeout(() => evaluator.cancel(), 50)
  await assert.rejects(endless, { code: 'FRAZIL_CANCELLED' })
})

test('events', async () => {
  const events = []
  const evaluator = new Evaluator({ files: { '/x.nix': '1' }, onEvent: (...event) => events.push(event) })
  const text = 'builtins.trace "t" (builtins.warn "w" [ (import /x.nix) (derivation { name = "x"; system = "s"; builder = "b"; }).drvPath ])'
  await (await evaluator.eval(text)).toJS()
  const kinds = Object.fromEntries(events)
  assert.equal(kinds.trace, 't')
  assert.equal(kinds.warn, 'w')
  assert.equal(kinds.read, '/x.nix')
  assert.match(kinds.derivation, /-x\.drv$/)
  assert.deepEqual(evaluator.inputs().files, ['/x.nix'])
})

const PACKAGES = `let d = name: derivation { inherit name; system = "s"; builder = "b"; };
  in { a = d "a" // { meta = { license = "MIT"; f = x: x; }; }; bad = throw "bad"; null = null; number = 1;
    deep = { recurseForDerivations = true; b = d "b"; }; shallow = { c = d "c"; }; }`

test('jobs', async () => {
  const evaluator = new Evaluator()
  const value = await evaluator.eval(PACKAGES)
  const jobs = []
  for await (const job of evaluator.jobs(value, { meta: true, inputDrvs: true })) jobs.push(job)
  assert.deepEqual(jobs.map((job) => job.attr), ['a', 'bad', 'deep.b', 'number'])
  assert.ok(jobs[0].ok && jobs[0].meta.license === 'MIT' && jobs[2].attrPath.length === 2)
  assert.ok(!jobs[1].ok && jobs[1].error.code === 'FRAZIL_THROWN')
  for await (const job of evaluator.jobs(value)) {
    assert.equal(job.attr, 'a')
    break
  }
  const parts = []
  for (const i of [0, 1, 2]) for await (const job of evaluator.jobs(value, { shard: [i, 3] })) parts.push(job.attr)
  assert.deepEqual(parts.sort(), jobs.map((job) => job.attr).sort())
})

test('derivations', async () => {
  const evaluator = new Evaluator({ keepDerivations: true })
  const value = await evaluator.eval('derivation { name = "x"; system = "s"; builder = "/bin/sh"; }')
  const derivation = await value.derivation()
  assert.equal(derivation.builder, '/bin/sh')
  assert.equal(derivation.drvPath, await value.drvPath())
  assert.ok(evaluator.derivationClosure([derivation.drvPath]).get(derivation.drvPath).startsWith('Derive('))
  assert.equal(await (await evaluator.eval('{ }')).derivation(), undefined)
})

test('documentation comments', async () => {
  const lib = await new Evaluator().eval('{ /** Twice its argument. */ twice = n: n * 2; n = 1; }')
  assert.equal(await lib.get('twice').doc(), 'Twice its argument.')
  assert.equal(lib.get('n').docSync(), undefined)
})

test('an evaluator is disposed', () => {
  const evaluator = new Evaluator()
  evaluator[Symbol.dispose]()
  assert.throws(() => evaluator.evalSync('1'), /disposed/)
})

test('worker threads', async () => {
  const code = `
    const { workerData, parentPort } = require('node:worker_threads')
    import(workerData.name).then(async ({ Evaluator }) => {
      const evaluator = new Evaluator({ functions: { double: (n) => 2 * n } })
      const value = await evaluator.eval(\`double \${workerData.n}\`)
      parentPort.postMessage(await value.toJS())
    })`
  const answer = (n) =>
    new Promise((resolve, reject) => {
      const worker = new Worker(code, { eval: true, workerData: { name: import.meta.resolve(name), n } })
      worker.on('message', resolve).on('error', reject)
    })
  assert.deepEqual(await Promise.all([1, 2, 3, 4].map(answer)), [2, 4, 6, 8])
})

test('a worker that is terminated does not wait for what it evaluates', async () => {
  const stepped = ENDLESS.replace('x.key + 1', 'step (x.key + 1)')
  assert.notEqual(stepped, ENDLESS)
  const endless = [
    `evaluator.eval(${JSON.stringify(ENDLESS)}).catch(() => {})`,
    `evaluator.eval(${JSON.stringify(stepped)}).catch(() => {})`,
    `setTimeout(() => evaluator.evalSync(${JSON.stringify(ENDLESS)}), 10)`,
    `setTimeout(() => evaluator.evalSync(${JSON.stringify(stepped)}), 10)`,
    // More than there are threads.
    `for (let i = 0; i < 40; i++) new Evaluator().eval(${JSON.stringify(ENDLESS)}).catch(() => {})`,
  ]
  const end = async (start) => {
    const code = `
      const { workerData, parentPort } = require('node:worker_threads')
      import(workerData.name).then(({ Evaluator }) => {
        const evaluator = new Evaluator({ functions: { step: (n) => n } })
        ${start}
        parentPort.postMessage(0)
      })`
    const worker = new Worker(code, { eval: true, workerData: { name: import.meta.resolve(name) } })
    await once(worker, 'message')
    await pause(100)
    await worker.terminate()
  }
  await Promise.all(endless.map(end))
  // The threads that evaluated for them are free again.
  assert.equal(await (await new Evaluator().eval('1')).toJS(), 1)
})

test('a process ends while something is evaluated', () => {
  const code = `
    import(${JSON.stringify(import.meta.resolve(name))}).then(({ Evaluator }) => {
      new Evaluator().eval(${JSON.stringify(ENDLESS)}).catch(() => {})
      setTimeout(() => process.exit(3), 50)
    })`
  const done = spawnSync(process.execPath, ['-e', code], { encoding: 'utf8', timeout: 30_000 })
  assert.equal(done.status, 3, done.stderr)
})

test('many evaluators hold what they need', { skip: process.platform !== 'linux' }, async () => {
  // A process of its own: 64 workers, each with an evaluator that is given programs nobody has seen.
  const code = `
    const { Worker, isMainThread, parentPort, workerData, threadId } = require('node:worker_threads')
    const { readFileSync } = require('node:fs')
    const resident = () => Number(/VmRSS:\\s+(\\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1])
    import(NAME).then(async ({ Evaluator }) => {
      const evaluators = Array.from({ length: 64 }, () => new Evaluator())
      const rounds = (from, to) => Promise.all(evaluators.map(async (evaluator, i) => {
        for (let n = from; n < to; n++) {
          const value = await evaluator.eval(\`let v\${n} = { a\${n} = [ \${n} (x: x + \${n}) ]; }; in v\${n}\`)
          const sum = await value.get('a' + n).get(1).call(i)
          if ((await sum.toJS()) !== n + i) throw new Error('wrong')
        }
        globalThis.gc()
      }))
      await rounds(0, 400)
      const before = resident()
      await rounds(400, 560)
      const after = resident()
      if (after > before + 32768) throw new Error(before + ' kB before, ' + after + ' kB after')
    })`.replace('NAME', JSON.stringify(import.meta.resolve(name)))
  const done = spawnSync(process.execPath, ['--expose-gc', '-e', code], { encoding: 'utf8' })
  assert.equal(done.status, 0, done.stderr)
})

test('64 workers with an evaluator each hold what they need', { skip: process.platform !== 'linux' }, () => {
  const worker = `
    const { workerData, parentPort } = require('node:worker_threads')
    import(workerData.name).then(({ Evaluator }) => {
      const evaluator = new Evaluator({ functions: { double: (n) => 2 * n } })
      parentPort.on('message', ([from, to]) => {
        for (let n = from; n < to; n++) {
          const value = evaluator.evalSync(\`let v\${n} = { a\${n} = [ \${n} (x: double x + \${n}) ]; f = throw "no"; }; in v\${n}\`)
          if (value.get('a' + n).get(1).callSync(workerData.i).toJSSync() !== 2 * workerData.i + n) throw new Error('wrong')
          try {
            value.pathSync('f')
            throw new Error('it has no value')
          } catch (error) {
            if (error.code !== 'FRAZIL_THROWN') throw error
          }
        }
        globalThis.gc()
        parentPort.postMessage(to)
      })
      parentPort.postMessage(0)
    })`
  const code = `
    const { Worker } = require('node:worker_threads')
    const { once } = require('node:events')
    const { readFileSync } = require('node:fs')
    const resident = () => Number(/VmRSS:\\s*(\\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1])
    async function main() {
      const make = (_, i) => new Worker(WORKER, { eval: true, workerData: { name: NAME, i } })
      const workers = Array.from({ length: 64 }, make)
      await Promise.all(workers.map((worker) => once(worker, 'message')))
      const rounds = (from, to) => Promise.all(workers.map((worker) => {
        worker.postMessage([from, to])
        return once(worker, 'message')
      }))
      await rounds(0, 300)
      const before = resident()
      await rounds(300, 460)
      const after = resident()
      await Promise.all(workers.map((worker) => worker.terminate()))
      console.log(before, after)
      // 10,240 rounds, of which each would leave 3 kB at most.
      if (after > before + 32768) throw new Error(before + ' kB before, ' + after + ' kB after')
    }
    main()`.replace('WORKER', () => JSON.stringify(worker)).replace('NAME', () => JSON.stringify(import.meta.resolve(name)))
  const done = spawnSync(process.execPath, ['--expose-gc', '-e', code], { encoding: 'utf8' })
  assert.equal(done.status, 0, done.stderr)
})

test('64 worker threads', async () => {
  const code = `
    const { workerData, parentPort } = require('node:worker_threads')
    import(workerData.name).then(({ Evaluator }) => {
      const evaluator = new Evaluator()
      let sum = 0
      for (let n = 0; n < 160; n++) {
        sum += evaluator.evalSync(\`let v\${n} = x: x + \${n}; in v\${n} \${workerData.i}\`).toJSSync()
      }
      parentPort.postMessage(sum)
    })`
  const answer = (i) =>
    new Promise((resolve, reject) => {
      const worker = new Worker(code, { eval: true, workerData: { name: import.meta.resolve(name), i } })
      worker.on('message', resolve).on('error', reject)
    })
  const answers = await Promise.all(Array.from({ length: 64 }, (_, i) => answer(i)))
  assert.deepEqual(answers, Array.from({ length: 64 }, (_, i) => 160 * i + (160 * 159) / 2))
})

test('many evaluations at once', async () => {
  const evaluator = new Evaluator()
  const f = await evaluator.eval('n: builtins.foldl\' (a: b: a + b) n (builtins.genList (n: n) 100)')
  const answers = await Promise.all(Array.from({ length: 50 }, async (_, n) => (await f.call(n)).toJS()))
  assert.deepEqual(answers, Array.from({ length: 50 }, (_, n) => n + 4950))
})
