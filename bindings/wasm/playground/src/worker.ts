/** The worker: everything that evaluates, and nothing that is shown. */
import { Evaluator, NixError, Tree, initSync, type Derivation, type Limits, type Value } from '@frazil/wasm/web'
import { unpack } from '@frazil/wasm/archives'
import type { DrvRow, Failure, Files, Kinds, Mounted, Node, Reply, Request, Requests } from './protocol'

/** Steps for what is only looked at while somebody types. */
const GLANCE: Limits = { steps: 300_000, memoryMiB: 256, seconds: 1 }
/** Contents are read in blocks, since a question to the browser costs more than the bytes of its answer. */
const BLOCK = 1 << 17
/** So many blocks are kept. */
const KEPT = 512

const trees = new Map<string, Tree>()
let memory: WebAssembly.Memory | undefined
let evaluator: Evaluator | undefined
const values = new Map<number, Value>()
let next = 0

/** TypeScript's types of a page lack what only workers have. */
declare class FileReaderSync {
  readAsArrayBuffer(blob: Blob): ArrayBuffer
}

const say = (reply: Reply): void => postMessage(reply)

/** Reads from a blob at once, which only workers may. */
function reader(blob: Blob): (from: number, to: number) => Uint8Array {
  const sync = new FileReaderSync()
  const blocks = new Map<number, Uint8Array>()
  const read = (from: number, to: number): Uint8Array => new Uint8Array(sync.readAsArrayBuffer(blob.slice(from, to)))
  return (from, to) => {
    const number = Math.floor(from / BLOCK)
    const start = number * BLOCK
    if (to > start + BLOCK) return read(from, to)
    let block = blocks.get(number)
    if (!block) {
      if (blocks.size >= KEPT) blocks.delete(blocks.keys().next().value!)
      blocks.set(number, (block = read(start, start + BLOCK)))
    }
    return block.subarray(from - start, to - start)
  }
}

function mount({ name, directory, contents, entries }: Mounted): void {
  trees.set(name, new Tree(directory, { entries, read: reader(contents) }))
}

function open(files: Files, limits: Limits, patient = false): Evaluator {
  return new Evaluator({
    files: Object.fromEntries(Object.entries(files).map(([name, text]) => [`/${name}`, text])),
    trees: [...trees.values()],
    paths: trees.size > 0 ? { nixpkgs: '/nixpkgs' } : {},
    env: { HOME: '/home' },
    limits,
    patient,
    keepDerivations: true,
  })
}

function node(value: Value): Node {
  next++
  values.set(next, value)
  return { value: next, kind: value.kind, text: value.preview() }
}

function known(number: number): Value {
  const value = values.get(number)
  if (!value) throw new Error('that value is of an evaluation before')
  return value
}

function live(): Evaluator {
  if (!evaluator) throw new Error('nothing was evaluated yet')
  return evaluator
}

const handlers: { [K in Kinds]: (body: Requests[K][0]) => Requests[K][1] | Promise<Requests[K][1]> } = {
  start({ module, mounted }) {
    memory = initSync({ module }).memory
    mounted.forEach(mount)
    return null
  },
  mount(mounted) {
    mount(mounted)
    return null
  },
  async unpack(blob) {
    const { entries, pieces } = await unpack(blob, { onProgress: (unpacked, files) => say({ unpacked, files }) })
    return { contents: new Blob(pieces.parts), entries }
  },
  check({ files, path }) {
    return open({}, GLANCE).check(files[path] ?? '')
  },
  explain({ files, path, view }) {
    return open({}, GLANCE).explain(view, files[path] ?? '')
  },
  probe({ files, text }) {
    const session = open(files, GLANCE)
    try {
      const value = session.evalSync(text).forceSync()
      const names = value.kind === 'set' ? value.names() : []
      return { kind: value.kind, text: value.preview(), names, doc: value.about()?.doc ?? null }
    } catch (error) {
      // What cannot be evaluated so has no type to show.
      if (error instanceof NixError) return null
      throw error
    } finally {
      session.dispose()
    }
  },
  globals() {
    return open({}, GLANCE).globals()
  },
  evaluate({ files, limits }) {
    values.clear()
    evaluator?.dispose()
    const session = new Evaluator({
      files: Object.fromEntries(Object.entries(files).map(([name, text]) => [`/${name}`, text])),
      trees: [...trees.values()],
      paths: trees.size > 0 ? { nixpkgs: '/nixpkgs' } : {},
      env: { HOME: '/home' },
      limits,
      keepDerivations: true,
      onEvent: (event, text) => {
        if (event === 'trace' || event === 'warn' || event === 'message') say({ event, text })
      },
    })
    evaluator = session
    const begin = performance.now()
    const value = session.evalFileSync('/main.nix')
    return { root: node(value), milliseconds: performance.now() - begin, counts: session.counts() }
  },
  expand({ value, first, count }) {
    const whole = known(value).forceSync()
    return {
      node: { value, kind: whole.kind, text: whole.preview() },
      length: whole.length ?? 0,
      entries: whole.kind === 'set' || whole.kind === 'list' ? whole.entries({ first, count }) : [],
    }
  },
  child({ value, name }) {
    const child = known(value).get(name)
    if (!child) throw new Error(`there is no '${name}'`)
    return node(child)
  },
  render({ value, form }) {
    return form === 'nix' ? known(value).toNixSync({ deep: true }) : indented(known(value).toNixJSONSync())
  },
  derivations({ value, count }) {
    const rows: DrvRow[] = []
    const whole = known(value)
    if (whole.kind !== 'set' && whole.kind !== 'list') return { rows, more: false }
    if (whole.kind === 'set' && whole.isDerivationSync()) {
      const { drvPath, name, system, outputs } = whole.derivationSync() ?? { drvPath: '' }
      return { rows: [{ attr: '', drvPath, ...(name && { name }), ...(system && { system }), ...(outputs && { outputs }) }], more: false }
    }
    for (const job of live().jobsSync(whole)) {
      if (rows.length === count) return { rows, more: true }
      rows.push(
        job.ok
          ? { attr: job.attr, name: job.name, system: job.system, drvPath: job.drvPath, outputs: job.outputs }
          : { attr: job.attr, error: job.error.message },
      )
    }
    return { rows, more: false }
  },
  closure({ paths }) {
    const session = live()
    const found = new Map<string, Derivation>()
    const todo = [...paths]
    for (let path = todo.shift(); path !== undefined; path = todo.shift()) {
      if (found.has(path)) continue
      const file = session.derivationFile(path)
      if (!file) continue
      found.set(path, file)
      todo.push(...Object.keys(file.inputDrvs ?? {}))
    }
    return [...found.values()]
  },
  drv({ path }) {
    return live().derivationClosure([path]).get(path) ?? ''
  },
  forces({ files, limits, room }) {
    const session = open(files, limits, true)
    session.watchForces(room)
    let failure: Failure | undefined
    try {
      session.evalFileSync('/main.nix').toNixSync({ deep: true })
    } catch (error) {
      failure = failed(error)
    }
    const forces = session.forces()
    session.dispose()
    return failure ? { forces, failure } : { forces }
  },
  counts() {
    return { counts: live().counts(), memory: memory?.buffer.byteLength ?? 0 }
  },
}

/** JSON with a line for each member, unless it is so large that nobody reads it. */
function indented(text: string): string {
  return text.length > 2_000_000 ? text : JSON.stringify(JSON.parse(text), null, 2)
}

function failed(error: unknown): Failure {
  if (error instanceof NixError) {
    const { code, message, labels, codeframe } = error
    return { code, message, labels, codeframe, full: error.renderFull() }
  }
  const message = error instanceof Error ? error.message : String(error)
  return { code: '', message, labels: [], codeframe: `error: ${message}`, full: `error: ${message}` }
}

addEventListener('message', ({ data }: MessageEvent<Request>) => void answer(data))

async function answer({ id, kind, body }: Request): Promise<void> {
  try {
    const handler = handlers[kind] as (body: unknown) => unknown
    say({ id, ok: true, answer: await handler(body) })
  } catch (error) {
    // A module that stopped in the middle is of no more use.
    const dead = error instanceof NixError && error.cause instanceof Error && error.code !== 'FRAZIL_HOST_FUNCTION'
    say({ id, ok: false, failure: failed(error), dead })
  }
}
