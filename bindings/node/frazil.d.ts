/** Frazil evaluates the Nix language inside your process. */

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

/** How an evaluator is to be. It can reach nothing but what is named here. */
export interface Options {
  /** What `<name>` means: names and absolute paths, which may be read. */
  paths?: Record<string, string>
  /** Files in memory, by absolute path. */
  files?: Record<string, string>
  /** Variables of the environment. */
  env?: Record<string, string>
  /** Files and directories of the disk that may be read. */
  roots?: string[]
  /** Variables of the process's environment that may be read. */
  variables?: string[]
  /** Whether all files and variables may be read. */
  unrestricted?: boolean
  limits?: Limits
  /** `builtins.currentSystem` */
  system?: string
  /** The directory of store paths. */
  store?: string
  /** `pure-eval` */
  pure?: boolean
  /** Settings of nix.conf. */
  settings?: Record<string, string>
  /** A directory in which code of files and listings of directories are kept for the next process, at most 1 GiB of it. */
  cache?: string
  /** Functions in scope of every program. They get plain data and answer such; in `eval`, on JavaScript's thread still. */
  functions?: Record<string, (...values: never[]) => unknown>
  /** Values in scope of every program. */
  values?: Record<string, unknown>
  /** Is told of events. */
  onEvent?: (kind: EventKind, text: string) => void
  /** Whether texts of derivations are kept. */
  keepDerivations?: boolean
}

/** A place in a source: line and column from 1, the column in bytes. */
export interface Position {
  file: string
  line: number
  column: number
}

/** A place in a source, and what is said of it. */
export interface Label extends Position {
  /** The first byte of what is to be pointed at, and the byte behind the last, from the source's start. */
  start: number
  end: number
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
  | 'FRAZIL_HOST_FUNCTION' | 'FRAZIL_USAGE' | 'FRAZIL_BUSY' | 'FRAZIL_INTERNAL' | 'FRAZIL_EVAL'

/** Why an evaluation has no value. */
export class NixError extends Error {
  private constructor()
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
  /** The error as CppNix prints it with `--show-trace`. */
  renderFull(): string
  toJSON(): Json
}

/** For what runs on another thread: how to stop it. */
export interface Abortable {
  signal?: AbortSignal
}

/** For data: whether integers beyond 2^53 are bigints; they are an error otherwise. */
export interface DataOptions {
  bigint?: boolean
}

export type Kind =
  | 'thunk' | 'null' | 'bool' | 'int' | 'float' | 'string' | 'path' | 'list' | 'set' | 'function' | 'external'

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

/**
 * A value of an evaluator, which may not be evaluated yet. `T` is what you know it to be. What ends in `Sync`, and what
 * answers no promise, evaluates on JavaScript's thread, and throws `FRAZIL_BUSY` while the evaluator is at work elsewhere.
 */
export class Value<T = unknown> {
  private constructor()
  /** What the value is, as far as it is evaluated. */
  readonly kind: Kind
  /** Evaluates the value, not what it holds. */
  force(options?: Abortable): Promise<this>
  forceSync(): this
  /** An attribute or element, not evaluated; `undefined` if there is none. */
  get<V = unknown>(name: string | number): Value<V> | undefined
  /** The value at an attribute path: `a."b.c".0`. */
  path<V = unknown>(path: string, options?: Abortable): Promise<Value<V>>
  pathSync<V = unknown>(path: string): Value<V>
  /** The result of a call; arguments are values of this evaluator, or data. */
  call<V = unknown>(...values: unknown[]): Promise<Value<V>>
  callSync<V = unknown>(...values: unknown[]): Value<V>
  /** The value as plain data, evaluated with all that it holds. */
  toJS<V = T>(options?: Abortable & DataOptions): Promise<V>
  toJSSync<V = T>(options?: DataOptions): V
  toJSON(): T
  /** The value as `builtins.toJSON` writes it. */
  toNixJSON(options?: Abortable): Promise<string>
  /** What the documentation comment of the function that the value is says. */
  doc(options?: Abortable): Promise<string | undefined>
  docSync(): string | undefined
  /** The value in the language's own words; what is not evaluated is `<CODE>`, unless it is to be by `deep`. */
  toNix(options?: Abortable & { deep?: boolean }): Promise<string>
  /** The text that the value is coerced to, as in `"${value}"`. */
  text(options?: Abortable): Promise<string>
  textSync(): string
  /** How many elements or attributes there are. */
  readonly length: number | undefined
  /** The names of a set. */
  names(): string[]
  isDerivation(options?: Abortable): Promise<boolean>
  derivation(options?: Abortable): Promise<Derivation | undefined>
  /** The path of the derivation's `.drv`. */
  drvPath(options?: Abortable): Promise<string>
}

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
  calls: number
  builtinCalls: number
  files: number
  derivations: number
  allocatedBytes: number
  reservedBytes: number
}

/**
 * Evaluates programs, which share one heap and one cache of files. Memory that no value needs is freed from time to time. What
 * derivations were made is remembered as long as the evaluator lives, by some 200 bytes each.
 */
export class Evaluator {
  constructor(options?: Options)
  /** The value of a text whose relative paths start from `base`, on another thread. */
  eval<T = unknown>(text: string, options?: Abortable & { base?: string }): Promise<Value<T>>
  evalSync<T = unknown>(text: string, options?: { base?: string }): Value<T>
  /** The value of a file by its absolute path, called with `args` if there are any. */
  evalFile<T = unknown>(path: string, options?: Abortable & { args?: Record<string, unknown> }): Promise<Value<T>>
  evalFileSync<T = unknown>(path: string, options?: { args?: Record<string, unknown> }): Value<T>
  /** The value of data. */
  value<T>(data: T): Value<T>
  /** All that is wrong with a program before it runs. */
  check(text: string): NixError[]
  /** The jobs of a value by nix-eval-jobs' rules, each evaluated when it is asked for. */
  jobs(value: Value, options?: JobOptions): AsyncGenerator<Job, void, void>
  /** The texts of derivations and of all that they depend on, by path; only kept ones are there. */
  derivationClosure(paths: string[]): Map<string, string>
  inputs(): Inputs
  counts(): Counts
  /** Stops the evaluation at work. */
  cancel(): void
  /** Frees what nothing needs; answers the bytes still live. */
  collect(): number
  dispose(): void
  [Symbol.dispose](): void
}

/** The value of a program as plain data. */
export function evaluate<T = unknown>(text: string, options?: Options & Abortable & DataOptions): Promise<T>
export function evaluateSync<T = unknown>(text: string, options?: Options & DataOptions): T
export { evaluate as eval, evaluateSync as evalSync }
