// Frazil for Node: evaluators and values as JavaScript's own objects.
'use strict'

const native = require('./native.js')

class NixError extends Error {
  constructor(fields, options) {
    super(fields.message, options)
    this.name = 'NixError'
    this.code = `FRAZIL_${fields.code.toUpperCase().replaceAll('-', '_')}`
    // What a program throws itself has the place of the call that threw.
    const position = fields.position ?? fields.trace.find((frame) => frame.position)?.position
    this.labels = position ? [{ ...position, start: fields.span.start, end: fields.span.end, message: fields.message }] : []
    this.trace = fields.trace
    this.suggestions = fields.suggestions
    this.codeframe = fields.rendered
    this.helpMessage = fields.suggestions.length > 0 ? `Did you mean ${fields.suggestions.join(' or ')}?` : undefined
    Object.defineProperty(this, 'fields', { value: fields, enumerable: false })
  }

  /** The error as CppNix prints it with --show-trace. */
  renderFull() {
    return this.fields.rendered_full
  }

  toJSON() {
    return this.fields
  }
}

/** What the native half throws, as it is to be seen. */
function seen(error, thrown) {
  if (!(error instanceof Error) || !error.message.startsWith('{"code":')) return error
  const fields = JSON.parse(error.message)
  if (fields.code === 'cancelled' && thrown?.signal?.aborted) return thrown.signal.reason
  const options = fields.code === 'host-function' && thrown?.cause ? { cause: thrown.cause.take() } : undefined
  return new NixError(fields, options)
}

/** Answers what `work` does, with errors as they are to be seen. */
function now(work, thrown) {
  try {
    return work()
  } catch (error) {
    throw seen(error, thrown)
  }
}

/** The same on another thread, until `signal` aborts it. */
async function later(work, signal, cause) {
  signal?.throwIfAborted()
  const token = signal ? new native.Token() : undefined
  const abort = () => token.cancel()
  signal?.addEventListener('abort', abort, { once: true })
  try {
    return await work(token)
  } catch (error) {
    throw seen(error, { signal, cause })
  } finally {
    signal?.removeEventListener('abort', abort)
  }
}

/** What a function of the embedder's threw, until its evaluation has ended. */
class Cause {
  take() {
    const { error } = this
    this.error = undefined
    return error
  }
}

/** A function of the embedder's as the native half calls it: from JSON to JSON, without exceptions. */
function wrapped(name, run, cause) {
  return (text) => {
    try {
      const ok = run(...JSON.parse(text))
      if (ok instanceof Promise) throw new TypeError(`'${name}' answered a promise, which an evaluation cannot wait for`)
      return JSON.stringify({ ok: ok ?? null }, (_, value) => {
        if (typeof value === 'number' && !Number.isFinite(value)) throw new TypeError(`${value} is no data`)
        return value
      })
    } catch (error) {
      cause.error = error
      return JSON.stringify({ error: error instanceof Error ? error.message : String(error) })
    }
  }
}

const BIG = /^\u0000n(-?\d+)$/

function parsed(text, bigint) {
  if (!bigint) return JSON.parse(text)
  return JSON.parse(text, (_, value) => {
    const big = typeof value === 'string' ? BIG.exec(value) : null
    return big ? BigInt(big[1]) : value
  })
}

const json = (text) => JSON.parse(text)
const same = (text) => text

/** Data as the native half takes it, with values in `values`: { data }, { number } or { set: [[name, …]] }. */
function argument(data, values) {
  if (data instanceof Value) return { number: values.push(Value.native(data)) - 1 }
  const members = data !== null && typeof data === 'object' && !Array.isArray(data) ? Object.entries(data) : []
  if (members.some(([, member]) => member instanceof Value)) {
    return { set: members.map(([name, member]) => [name, argument(member, values)]) }
  }
  if (JSON.stringify(data) === undefined) throw new TypeError('what JSON has no form for is no data')
  return { data }
}

class Value {
  #native
  #evaluator

  constructor(inner, evaluator) {
    this.#native = inner
    this.#evaluator = evaluator
  }

  static native(value) {
    return value.#native
  }

  #value(inner) {
    return inner == null ? undefined : new Value(inner, this.#evaluator)
  }

  #now(what, argument = '', values = []) {
    return now(() => this.#native.askSync(what, argument, values), { cause: this.#evaluator.cause })
  }

  #later(options, what, argument = '', values = []) {
    const work = (token) => this.#native.ask(what, argument, values, token)
    return later(work, options?.signal, this.#evaluator.cause)
  }

  /** What the value is, as far as it is evaluated. */
  get kind() {
    return json(this.#now('kind'))
  }

  async force(options) {
    await this.#later(options, 'force')
    return this
  }

  forceSync() {
    this.#now('force')
    return this
  }

  get(name) {
    const key = typeof name === 'number' ? 'index' : 'get'
    return this.#value(this.#now(key, String(name)))
  }

  async path(path, options) {
    return this.#value(await this.#later(options, 'path', path))
  }

  pathSync(path) {
    return this.#value(this.#now('path', path))
  }

  async call(...values) {
    const natives = []
    const text = JSON.stringify(values.map((data) => argument(data, natives)))
    return this.#value(await this.#later(undefined, 'call', text, natives))
  }

  callSync(...values) {
    const natives = []
    const text = JSON.stringify(values.map((data) => argument(data, natives)))
    return this.#value(this.#now('call', text, natives))
  }

  async toJS(options) {
    const bigint = options?.bigint ?? false
    return parsed(await this.#later(options, 'data', bigint ? 'bigint' : ''), bigint)
  }

  toJSSync(options) {
    const bigint = options?.bigint ?? false
    return parsed(this.#now('data', bigint ? 'bigint' : ''), bigint)
  }

  /** For JSON.stringify. */
  toJSON() {
    return this.toJSSync()
  }

  /** The value as builtins.toJSON writes it. */
  async toNixJSON(options) {
    return same(await this.#later(options, 'json'))
  }

  /** The value in the language's own words. */
  async toNix(options) {
    return same(await this.#later(options, 'nix', options?.deep ? 'deep' : ''))
  }

  /** What the documentation comment of the function that the value is says. */
  async doc(options) {
    return json(await this.#later(options, 'doc')) ?? undefined
  }

  docSync() {
    return json(this.#now('doc')) ?? undefined
  }

  /** The text that the value is coerced to. */
  async text(options) {
    return same(await this.#later(options, 'text'))
  }

  textSync() {
    return this.#now('text')
  }

  toString() {
    return `[Value ${this.kind}]`
  }

  get length() {
    return json(this.#now('length')) ?? undefined
  }

  names() {
    return json(this.#now('names'))
  }

  async isDerivation(options) {
    return json(await this.#later(options, 'isDerivation'))
  }

  async derivation(options) {
    const text = await this.#later(options, 'derivation')
    return text == null ? undefined : json(text)
  }

  async drvPath(options) {
    return (await this.path('drvPath', options)).textSync()
  }

  [Symbol.for('nodejs.util.inspect.custom')]() {
    return this.toString()
  }
}

class Evaluator {
  #session
  /** What functions of the embedder's threw. */
  cause = new Cause()

  constructor(options = {}) {
    const { functions = {}, values = {}, onEvent, keepDerivations = false, limits = {}, ...rest } = options
    const { memoryMiB, memory = memoryMiB === undefined ? undefined : `${memoryMiB}MiB`, ...bounds } = limits
    Object.defineProperty(this, 'cause', { enumerable: false })
    this.#session = now(() => {
      const builder = new native.Builder(JSON.stringify({ ...rest, limits: { ...bounds, memory } }))
      for (const [name, run] of Object.entries(functions)) {
        builder.function(name, Math.max(run.length, 1), wrapped(name, run, this.cause))
      }
      for (const [name, value] of Object.entries(values)) builder.global(name, JSON.stringify(value))
      if (onEvent) {
        builder.onEvent((text) => {
          try {
            const [kind, event] = JSON.parse(text)
            onEvent(kind, event)
          } catch (error) {
            process.emitWarning(`an event handler threw: ${error}`)
          }
          return ''
        })
      }
      return builder.build(keepDerivations)
    })
  }

  get #open() {
    if (!this.#session) throw new Error('the evaluator was disposed')
    return this.#session
  }

  #sync(work) {
    return now(() => work(this.#open), { cause: this.cause })
  }

  async eval(text, { base = '/', signal } = {}) {
    const session = this.#open
    return new Value(await later((token) => session.eval(text, base, token), signal, this.cause), this)
  }

  evalSync(text, { base = '/' } = {}) {
    return new Value(this.#sync((session) => session.evalSync(text, base)), this)
  }

  async evalFile(path, { args, signal } = {}) {
    const session = this.#open
    const value = new Value(await later((token) => session.eval(path, undefined, token), signal, this.cause), this)
    return args === undefined ? value : value.call(args)
  }

  evalFileSync(path, { args } = {}) {
    const value = new Value(this.#sync((session) => session.evalSync(path, undefined)), this)
    return args === undefined ? value : value.callSync(args)
  }

  /** The value of JavaScript's own data, in which values may stand at the top and as members of a plain object. */
  value(data) {
    if (data instanceof Value) return data
    const values = []
    const text = JSON.stringify(argument(data, values))
    return new Value(this.#sync((session) => session.value(text, values)), this)
  }

  check(text) {
    return json(this.#sync((session) => session.check(text))).map((fields) => new NixError(fields))
  }

  jobs(value, { meta = false, inputDrvs = false, forceRecurse = false, systems = [], shard, skip = [], maxDepth, signal } = {}) {
    const options = {
      meta, systems, skip, input_drvs: inputDrvs, force_recurse: forceRecurse, max_depth: maxDepth,
      shard: shard && { index: shard[0], of: shard[1] },
    }
    const { cause } = this
    const session = this.#open
    return (async function* () {
      const walk = await later(() => session.jobs(Value.native(value), JSON.stringify(options)), signal, cause)
      for (;;) {
        const text = await later((token) => walk.next(token), signal, cause)
        if (text == null) return
        const { failure, error: _, ...job } = JSON.parse(text)
        yield failure ? { ok: false, ...job, error: new NixError(failure) } : { ok: true, ...job }
      }
    })()
  }

  derivationClosure(paths) {
    return new Map(Object.entries(json(this.#sync((session) => session.derivationClosure(paths)))))
  }

  inputs() {
    return json(this.#sync((session) => session.inputs()))
  }

  counts() {
    return json(this.#sync((session) => session.counts()))
  }

  cancel() {
    this.#session?.cancel()
  }

  collect() {
    return this.#sync((session) => session.collect())
  }

  /** Lets go of the evaluator; its memory is free once its values are gone, too. */
  dispose() {
    this.#session?.cancel()
    this.#session = undefined
  }

  [Symbol.dispose ?? Symbol.for('Symbol.dispose')]() {
    this.dispose()
  }
}

/** The value of a program that can reach nothing outside of itself, as JavaScript's own data. */
async function evaluate(text, { signal, bigint, ...options } = {}) {
  return (await new Evaluator(options).eval(text, { signal })).toJS({ signal, bigint })
}

function evaluateSync(text, { bigint, ...options } = {}) {
  return new Evaluator(options).evalSync(text).toJSSync({ bigint })
}

module.exports = { Evaluator, NixError, Value, eval: evaluate, evalSync: evaluateSync, evaluate, evaluateSync }
