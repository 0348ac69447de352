/** Frazil evaluates the Nix language inside your page, worker or process. */
import * as raw from './raw/module.js'
import type { Archive } from './archives.js'

/** What JSON has a form for. */
export type Json = null | boolean | number | string | Json[] | { [name: string]: Json }

/** What an evaluation may use; no bound where none is given, but for 10,000 nested calls. */
export interface Limits {
  /** Calls made and values evaluated. */
  steps?: number
  /** The heap's size in bytes, or as a text such as `"512MiB"`. */
  memory?: number | string
  /** The heap's size. */
  memoryMiB?: number
  /** Wall time of one evaluation. */
  seconds?: number
  /** Nested calls. */
  depth?: number
}

/** What happens in an evaluation. */
export type EventKind = 'trace' | 'warn' | 'read' | 'derivation' | 'message'

/** A file in memory: its contents, whether it may be executed, or what it links to. */
export type FileContents = string | Uint8Array | { contents: string | Uint8Array; executable?: boolean } | { link: string }

/** How an evaluator is to be. It can reach nothing but what is named here. */
export interface Options {
  /** What `<name>` means: names and absolute paths. */
  paths?: Record<string, string>
  /** Entries of the search path behind those of `paths`, in order; an empty name stands for all that lies in the path. */
  searchPath?: [name: string, path: string][]
  /** Files in memory, by absolute path. */
  files?: Record<string, FileContents>
  /** Unpacked archives. */
  trees?: Tree[]
  /** Variables of the environment. */
  env?: Record<string, string>
  limits?: Limits
  /** `builtins.currentSystem` */
  system?: string
  /** The directory of store paths. */
  store?: string
  /** `pure-eval` */
  pure?: boolean
  /** Settings of nix.conf. */
  settings?: Record<string, string>
  /** Functions in scope of every program. They get plain data and answer such. */
  functions?: Record<string, (...values: never[]) => unknown>
  /** Values in scope of every program. */
  values?: Record<string, unknown>
  /** Is told of events. */
  onEvent?: (kind: EventKind, text: string) => void
  /** Is asked every 20 milliseconds whether the evaluation at work is to end. */
  interrupt?: () => boolean
  /** Whether texts of derivations are kept. */
  keepDerivations?: boolean
  /** Whether small values stay unevaluated where they do in CppNix, for those who look at laziness. */
  patient?: boolean
}

/** A place in a source: line and column from 1, the column in bytes. */
export interface Position {
  file: string
  line: number
  column: number
}

/** A place in a source, and what is said of it. */
export interface Label extends Position {
  message: string
}

/** A line of a trace. */
export interface Frame {
  text: string
  position: Position | null
}

/** What went wrong, for programs. */
export type ErrorCode =
  | 'FRAZIL_THROWN' | 'FRAZIL_ASSERTION' | 'FRAZIL_ABORT' | 'FRAZIL_SYNTAX' | 'FRAZIL_UNDEFINED_VARIABLE'
  | 'FRAZIL_MISSING_ATTRIBUTE' | 'FRAZIL_TYPE' | 'FRAZIL_INFINITE_RECURSION' | 'FRAZIL_CALL_DEPTH' | 'FRAZIL_STEPS'
  | 'FRAZIL_MEMORY' | 'FRAZIL_TIME' | 'FRAZIL_CANCELLED' | 'FRAZIL_FILE' | 'FRAZIL_RESTRICTED' | 'FRAZIL_UNAVAILABLE'
  | 'FRAZIL_USAGE' | 'FRAZIL_HOST_FUNCTION' | 'FRAZIL_BUSY' | 'FRAZIL_INTERNAL' | 'FRAZIL_EVAL'

interface Fields {
  code: string
  message: string
  position: Position | null
  trace: Frame[]
  suggestions: string[]
  rendered: string
  rendered_full: string
}

/** Why an evaluation has no value. */
export class NixError extends Error {
  readonly code: ErrorCode
  /** Where it went wrong. */
  readonly labels: Label[]
  /** What was being done, innermost first. */
  readonly trace: Frame[]
  /** Names that may have been meant. */
  readonly suggestions: string[]
  /** The error as CppNix prints it, with excerpts of the source. */
  readonly codeframe: string
  readonly helpMessage: string | undefined
  readonly #fields: Fields

  /** @internal */
  constructor(fields: Fields, options?: { cause: unknown }) {
    super(fields.message, options)
    this.name = 'NixError'
    this.code = `FRAZIL_${fields.code.toUpperCase().replaceAll('-', '_')}` as ErrorCode
    // What a program throws itself has the place of the call that threw.
    const position = fields.position ?? fields.trace.find((frame) => frame.position)?.position
    this.labels = position ? [{ ...position, message: fields.message }] : []
    this.trace = fields.trace
    this.suggestions = fields.suggestions
    this.codeframe = fields.rendered
    this.helpMessage = fields.suggestions.length > 0 ? `Did you mean ${fields.suggestions.join(' or ')}?` : undefined
    this.#fields = fields
  }

  /** The error as CppNix prints it with `--show-trace`. */
  renderFull(): string {
    return this.#fields.rendered_full
  }

  toJSON(): Json {
    return this.#fields as unknown as Json
  }
}

/** Something to say about a program before it runs. `from` and `to` count from the text's start. */
export interface Diagnostic {
  from: number
  to: number
  severity: 'error' | 'warning' | 'info'
  /** The rule's name, such as `unused-let`. */
  rule: string
  message: string
  hint?: string | null
  related?: { from: number; to: number; message: string }[]
  /** Changes that mend it and keep the meaning. */
  fix?: { from: number; to: number; insert: string }[]
}

export interface CheckOptions {
  /** The directory that the text's paths start from. */
  base?: string
  /** Whether to say what could be better; true if nothing is said. */
  lints?: boolean
  /** What places count: bytes of UTF-8, or the units of JavaScript's strings; these if nothing is said. */
  encoding?: 'utf-8' | 'utf-16'
}

/** For what answers a promise. It runs on this thread all the same: a signal that is aborted keeps it from starting. */
export interface Abortable {
  signal?: AbortSignal
}

/** For data: whether integers beyond 2^53 are bigints; they are an error otherwise. */
export interface DataOptions {
  bigint?: boolean
}

export type Kind =
  | 'thunk' | 'null' | 'bool' | 'int' | 'float' | 'string' | 'path' | 'list' | 'set' | 'function' | 'external'

/** A member of a value, as far as it is evaluated. */
export interface Entry {
  name: string
  kind: Kind
  /** A short text; of a set or list only how much it holds. */
  text: string
}

/** A derivation. All but its path is known only if derivations are kept. */
export interface Derivation {
  drvPath: string
  name?: string
  system?: string
  builder?: string
  outputs?: Record<string, string | null>
  inputDrvs?: Record<string, string[]>
  inputSrcs?: string[]
}

/** A thunk that was forced. One that was forced within it has more `depth`, and follows it. */
export interface Force {
  position: Position | null
  depth: number
  /** What it came to; still `thunk` if that failed. */
  kind: Kind
  text: string
}

/** A view of a program by a part of the evaluator. */
export type View = 'tokens' | 'tree' | 'ir' | 'bytecode'

interface JobBase {
  attr: string
  attrPath: string[]
}

/** An attribute of a set of jobs: a derivation, or the error in its place. */
export type Job =
  | (JobBase & {
      ok: true
      drvPath: string
      name: string
      system: string
      outputs: Record<string, string | null>
      inputDrvs?: Record<string, string[]>
      meta?: Record<string, Json>
    })
  | (JobBase & { ok: false; error: NixError })

/** Which jobs are wanted, and what of them. */
export interface JobOptions extends Abortable {
  meta?: boolean
  inputDrvs?: boolean
  forceRecurse?: boolean
  systems?: string[]
  /** One part of many: its number from 0, and of how many. */
  shard?: [number, number]
  /** Attribute paths that are not wanted again. */
  skip?: string[]
  maxDepth?: number
}

/** What evaluations asked of the world outside. */
export interface Inputs {
  files: string[]
  directories: string[]
  lookedAt: string[]
  variables: string[]
}

/** What was counted. */
export interface Counts {
  thunks: number
  forced: number
  calls: number
  builtinCalls: number
  files: number
  derivations: number
  allocatedBytes: number
  reservedBytes: number
}

/** An error that JavaScript or the module threw, as it is to be seen. */
function seen(error: unknown, cause?: Cause): unknown {
  if (typeof error === 'string' && error.startsWith('{"code":')) {
    const fields = JSON.parse(error) as Fields
    return new NixError(fields, fields.code === 'host-function' && cause ? { cause: cause.take() } : undefined)
  }
  // The module stops where memory ends, and where it has a fault; it is of no more use then.
  if (error instanceof WebAssembly.RuntimeError || error instanceof RangeError) {
    const said = raw.last_panic()
    const code = said === '' ? 'memory' : 'internal'
    const message = said === '' ? 'the module ran out of memory' : `the evaluator failed: ${said}`
    const text = `error: ${message}`
    return new NixError(
      { code, message, position: null, trace: [], suggestions: [], rendered: text, rendered_full: text },
      { cause: error },
    )
  }
  return typeof error === 'string' ? new Error(error) : error
}

function now<T>(work: () => T, cause?: Cause): T {
  try {
    return work()
  } catch (error) {
    throw seen(error, cause)
  }
}

/** What a function of the embedder's threw, until its evaluation has ended. */
class Cause {
  error: unknown
  take(): unknown {
    const { error } = this
    this.error = undefined
    return error
  }
}

/** A function of the embedder's as the module calls it: from JSON to JSON, without exceptions. */
function wrapped(name: string, run: (...values: never[]) => unknown, cause: Cause): (text: string) => string {
  return (text) => {
    try {
      const ok = run(...(JSON.parse(text) as never[]))
      if (ok instanceof Promise) throw new TypeError(`'${name}' answered a promise, which an evaluation cannot wait for`)
      return JSON.stringify({ ok: ok ?? null }, (_, value: unknown) => {
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
const decoder = new TextDecoder()
const encoder = new TextEncoder()
const bytes = (data: string | Uint8Array): Uint8Array => (typeof data === 'string' ? encoder.encode(data) : data)

function parsed(text: string, bigint: boolean): unknown {
  if (!bigint) return JSON.parse(text)
  return JSON.parse(text, (_, value: unknown) => {
    const big = typeof value === 'string' ? BIG.exec(value) : null
    return big ? BigInt(big[1]!) : value
  })
}

/** The files of an archive below a directory, for any number of evaluators. */
export class Tree {
  /** @internal */
  readonly raw: raw.Tree

  constructor(directory: string, archive: Archive) {
    this.raw = now(() => new raw.Tree(directory, JSON.stringify(archive.entries), archive.read))
  }
}

/** @internal */
const inner = new WeakMap<Value, raw.Value>()

/**
 * A value of an evaluator, which may not be evaluated yet. `T` is what you know it to be. What answers a promise is there for
 * programs that run with Frazil for Node as well; all of it runs on this thread.
 */
export class Value<T = unknown> {
  readonly #raw: raw.Value
  readonly #evaluator: Evaluator

  /** @internal */
  constructor(value: raw.Value, evaluator: Evaluator) {
    this.#raw = value
    this.#evaluator = evaluator
    inner.set(this, value)
    evaluator.hold(value)
  }

  #now<R>(work: (value: raw.Value) => R): R {
    this.#evaluator.use()
    return now(() => work(this.#raw), this.#evaluator.cause)
  }

  #value<V>(value: raw.Value | undefined): Value<V> | undefined {
    return value && new Value<V>(value, this.#evaluator)
  }

  /** What the value is, as far as it is evaluated. */
  get kind(): Kind {
    return this.#now((value) => value.kind()) as Kind
  }

  /** Evaluates the value, not what it holds. */
  async force(options?: Abortable): Promise<this> {
    options?.signal?.throwIfAborted()
    return this.forceSync()
  }

  forceSync(): this {
    this.#now((value) => value.force())
    return this
  }

  /** An attribute or element, not evaluated; `undefined` if there is none. */
  get<V = unknown>(name: string | number): Value<V> | undefined {
    return this.#value(this.#now((value) => (typeof name === 'number' ? value.index(name) : value.get(name))))
  }

  /** The value at an attribute path: `a."b.c".0`. */
  async path<V = unknown>(path: string, options?: Abortable): Promise<Value<V>> {
    options?.signal?.throwIfAborted()
    return this.pathSync(path)
  }

  pathSync<V = unknown>(path: string): Value<V> {
    return new Value<V>(this.#now((value) => value.path(path)), this.#evaluator)
  }

  /** The result of a call; arguments are values of this evaluator, or data. */
  async call<V = unknown>(...values: unknown[]): Promise<Value<V>> {
    return this.callSync(...values)
  }

  callSync<V = unknown>(...values: unknown[]): Value<V> {
    const made = values.map((data) => inner.get(this.#evaluator.value(data))!)
    return new Value<V>(this.#now((value) => value.call(made.map((made) => made.again()))), this.#evaluator)
  }

  /** The value as plain data, evaluated with all that it holds. */
  async toJS<V = T>(options?: Abortable & DataOptions): Promise<V> {
    options?.signal?.throwIfAborted()
    return this.toJSSync(options)
  }

  toJSSync<V = T>(options?: DataOptions): V {
    const bigint = options?.bigint ?? false
    return parsed(this.#now((value) => value.data(bigint)), bigint) as V
  }

  toJSON(): T {
    return this.toJSSync()
  }

  /** The value as `builtins.toJSON` writes it. */
  async toNixJSON(options?: Abortable): Promise<string> {
    options?.signal?.throwIfAborted()
    return this.toNixJSONSync()
  }

  toNixJSONSync(): string {
    return this.#now((value) => value.json())
  }

  /** The value in the language's own words; what is not evaluated is `<CODE>`, unless it is to be by `deep`. */
  async toNix(options?: Abortable & { deep?: boolean }): Promise<string> {
    options?.signal?.throwIfAborted()
    return this.toNixSync(options)
  }

  toNixSync(options?: { deep?: boolean }): string {
    return decoder.decode(this.toNixBytes(options))
  }

  /** The same in the value's own bytes, which need not be UTF-8. */
  toNixBytes(options?: { deep?: boolean }): Uint8Array {
    return this.#now((value) => value.nix(options?.deep ?? false))
  }

  /** The value as `nix-instantiate --xml` prints it, without places. */
  toXMLSync(): string {
    return decoder.decode(this.#now((value) => value.xml()))
  }

  /** The text that the value is coerced to, as in `"${value}"`. */
  async text(options?: Abortable): Promise<string> {
    options?.signal?.throwIfAborted()
    return this.textSync()
  }

  textSync(): string {
    return this.#now((value) => value.text())
  }

  /** A short text, evaluating nothing. */
  preview(): string {
    return this.#now((value) => value.preview())
  }

  toString(): string {
    return `[Value ${this.kind}]`
  }

  /** How many elements or attributes there are. */
  get length(): number | undefined {
    return this.#now((value) => value.length())
  }

  /** The names of a set. */
  names(): string[] {
    return this.#now((value) => value.names())
  }

  /** What the value holds, evaluating nothing. */
  entries({ first = 0, count = 1000 }: { first?: number; count?: number } = {}): Entry[] {
    const entries = JSON.parse(this.#now((value) => value.entries(first, count))) as [string, Kind, string][]
    return entries.map(([name, kind, text]) => ({ name, kind, text }))
  }

  /** The documentation comment of a function, and where it stands. */
  about(): { doc: string | null; position: Position | null } | undefined {
    const text = this.#now((value) => value.about())
    return text === undefined ? undefined : JSON.parse(text)
  }

  async isDerivation(options?: Abortable): Promise<boolean> {
    options?.signal?.throwIfAborted()
    return this.isDerivationSync()
  }

  isDerivationSync(): boolean {
    return this.#now((value) => value.is_derivation())
  }

  async derivation(options?: Abortable): Promise<Derivation | undefined> {
    options?.signal?.throwIfAborted()
    return this.derivationSync()
  }

  derivationSync(): Derivation | undefined {
    const text = this.#now((value) => value.derivation())
    return text === undefined ? undefined : JSON.parse(text)
  }

  /** The path of the derivation's `.drv`. */
  async drvPath(options?: Abortable): Promise<string> {
    return (await this.path('drvPath', options)).textSync()
  }
}

/** Evaluates programs, which share one heap and one cache of files. */
export class Evaluator {
  #session: raw.Session | undefined
  /** @internal */
  readonly cause = new Cause()
  /** Values made so far, as long as JavaScript has them. */
  #values: WeakRef<raw.Value>[] = []
  #room = 1000

  constructor(options: Options = {}) {
    const {
      functions = {}, values = {}, files = {}, env = {}, trees = [], searchPath = [], onEvent, interrupt,
      keepDerivations = false, patient = false, limits = {}, ...rest
    } = options
    const { memoryMiB, memory = memoryMiB === undefined ? undefined : `${memoryMiB}MiB`, ...bounds } = limits
    this.#session = now(() => {
      const builder = new raw.Builder(JSON.stringify({ ...rest, limits: { ...bounds, memory } }))
      for (const [path, file] of Object.entries(files)) {
        if (typeof file === 'string' || file instanceof Uint8Array) builder.file(path, bytes(file), false)
        else if ('link' in file) builder.link(path, file.link)
        else builder.file(path, bytes(file.contents), file.executable ?? false)
      }
      for (const [name, value] of Object.entries(env)) builder.env(name, value)
      for (const tree of trees) builder.tree(tree.raw)
      for (const [name, path] of searchPath) builder.search(name, path)
      for (const [name, run] of Object.entries(functions)) {
        builder.function(name, Math.max(run.length, 1), wrapped(name, run, this.cause))
      }
      for (const [name, value] of Object.entries(values)) builder.global(name, JSON.stringify(value))
      builder.patient(patient)
      if (onEvent) builder.on_event(onEvent)
      if (interrupt) builder.interrupt(interrupt)
      return builder.build(keepDerivations)
    })
  }

  #now<R>(work: (session: raw.Session) => R): R {
    const session = this.use()
    return now(() => work(session), this.cause)
  }

  /** The value of a text whose relative paths start from `base`. */
  async eval<T = unknown>(text: string, options?: Abortable & { base?: string }): Promise<Value<T>> {
    options?.signal?.throwIfAborted()
    return this.evalSync(text, options)
  }

  evalSync<T = unknown>(text: string, { base = '/' }: { base?: string } = {}): Value<T> {
    return new Value<T>(this.#now((session) => session.eval(text, base)), this)
  }

  /** The value of a file by its absolute path, called with `args` if there are any. */
  async evalFile<T = unknown>(path: string, options?: Abortable & { args?: Record<string, unknown> }): Promise<Value<T>> {
    options?.signal?.throwIfAborted()
    return this.evalFileSync(path, options)
  }

  evalFileSync<T = unknown>(path: string, { args }: { args?: Record<string, unknown> } = {}): Value<T> {
    const value = new Value<T>(this.#now((session) => session.eval(path, undefined)), this)
    return args === undefined ? value : value.callSync(args)
  }

  /** The value of JavaScript's own data, in which values may stand at the top and as members of a plain object. */
  value<T>(data: T): Value<T> {
    if (data instanceof Value) return data as Value<T>
    const members = data !== null && typeof data === 'object' && !Array.isArray(data) ? Object.entries(data) : []
    if (members.some(([, member]) => member instanceof Value)) {
      const made = members.map(([, member]) => inner.get(this.value(member))!)
      const names = members.map(([name]) => name)
      return new Value<T>(this.#now((session) => session.set(names, made.map((made) => made.again()))), this)
    }
    const text = JSON.stringify(data)
    if (text === undefined) throw new TypeError('what JSON has no form for is no data')
    return new Value<T>(this.#now((session) => session.value(text)), this)
  }

  /** All that is wrong with a program before it runs, and what could be better. */
  check(text: string, { base = '/', lints = true, encoding = 'utf-16' }: CheckOptions = {}): Diagnostic[] {
    return JSON.parse(this.#now((session) => session.check(text, base, lints, encoding === 'utf-16')))
  }

  /** A program as a part of the evaluator sees it, for people. */
  explain(view: View, text: string, { base = '/' }: { base?: string } = {}): string {
    return this.#now((session) => session.explain(view, text, base))
  }

  /** A program as `nix-instantiate --parse` prints it. */
  parse(text: string, { base = '/' }: { base?: string } = {}): string {
    return decoder.decode(this.#now((session) => session.parse(text, base)))
  }

  /** Names that mean something in every program. */
  globals(): string[] {
    return JSON.parse(this.#now((session) => session.globals()))
  }

  /** From now on notes so many thunks that are forced, for `forces`. */
  watchForces(room: number): void {
    this.#now((session) => session.watch_forces(room))
  }

  /** What was forced, in the order in which that began. */
  forces(): Force[] {
    return JSON.parse(this.#now((session) => session.forces()))
  }

  /** The jobs of a value by nix-eval-jobs' rules, each evaluated when it is asked for. */
  async *jobs(value: Value, options: JobOptions = {}): AsyncGenerator<Job, void, void> {
    for (const job of this.jobsSync(value, options)) {
      options.signal?.throwIfAborted()
      yield job
    }
  }

  *jobsSync(value: Value, options: JobOptions = {}): Generator<Job, void, void> {
    const { meta = false, inputDrvs = false, forceRecurse = false, systems = [], shard, skip = [], maxDepth } = options
    const text = JSON.stringify({
      meta, systems, skip, input_drvs: inputDrvs, force_recurse: forceRecurse, max_depth: maxDepth,
      shard: shard && { index: shard[0], of: shard[1] },
    })
    const walk = this.#now((session) => session.jobs(inner.get(value)!, text))
    for (;;) {
      const text = now(() => walk.next(), this.cause)
      if (text === undefined) return
      const { failure, error: _, ...job } = JSON.parse(text)
      yield failure ? { ok: false, ...job, error: new NixError(failure) } : { ok: true, ...job }
    }
  }

  /** The texts of derivations and of all that they depend on, by path; only kept ones are there. */
  derivationClosure(paths: string[]): Map<string, string> {
    return new Map(Object.entries(JSON.parse(this.#now((session) => session.derivation_closure(paths)))))
  }

  /** What the derivation at a path says, if it is kept. */
  derivationFile(path: string): Derivation | undefined {
    const text = this.#now((session) => session.derivation_file(path))
    return text === undefined ? undefined : JSON.parse(text)
  }

  inputs(): Inputs {
    return JSON.parse(this.#now((session) => session.inputs()))
  }

  counts(): Counts {
    return JSON.parse(this.#now((session) => session.counts()))
  }

  /** Frees what nothing needs; answers the bytes still live. */
  collect(): number {
    return this.#now((session) => session.collect())
  }

  /** @internal The session, unless it was disposed. */
  use(): raw.Session {
    if (!this.#session) throw new Error('the evaluator was disposed')
    return this.#session
  }

  /** @internal Notes a value that ends with the evaluator. */
  hold(value: raw.Value): void {
    this.#values.push(new WeakRef(value))
    if (this.#values.length < this.#room) return
    this.#values = this.#values.filter((value) => value.deref())
    this.#room = 2 * this.#values.length + 1000
  }

  /** Ends the evaluator and its values, whose memory is free at once. */
  dispose(): void {
    for (const value of this.#values) value.deref()?.free()
    this.#values = []
    this.#session?.free()
    this.#session = undefined
  }

  [Symbol.dispose ?? Symbol.for('Symbol.dispose')](): void {
    this.dispose()
  }
}

/** The value of a program as plain data. */
export async function evaluate<T = unknown>(text: string, options: Options & Abortable & DataOptions = {}): Promise<T> {
  options.signal?.throwIfAborted()
  const { signal: _, ...rest } = options
  return evaluateSync(text, rest)
}

export function evaluateSync<T = unknown>(text: string, { bigint = false, ...options }: Options & DataOptions = {}): T {
  return new Evaluator(options).evalSync<T>(text).toJSSync({ bigint })
}

/** Evaluates the data form of an evaluation, which all languages have in common, to its data. */
export function run(spec: unknown): unknown {
  return JSON.parse(now(() => raw.run(JSON.stringify(spec))))
}

export { evaluate as eval, evaluateSync as evalSync }
