/** What the page and its workers say to each other. */
import type { Counts, Derivation, Diagnostic, Entry, EventKind, Force, Kind, Label, Limits, View } from '@frazil/wasm/web'
import type { Entry as ArchiveEntry } from '@frazil/wasm/archives'

export type Files = Record<string, string>

/** Unpacked files that a worker may read: all contents one after the other, and where each lies. */
export interface Mounted {
  name: string
  directory: string
  contents: Blob
  entries: ArchiveEntry[]
}

/** A value that lives in the worker. */
export interface Node {
  value: number
  kind: Kind
  text: string
}

export interface Failure {
  code: string
  message: string
  labels: Label[]
  codeframe: string
  full: string
}

export interface Outcome {
  root: Node
  milliseconds: number
  counts: Counts
}

export interface DrvRow {
  attr: string
  name?: string
  system?: string
  drvPath?: string
  outputs?: Record<string, string | null>
  error?: string
}

export interface Probe {
  kind: Kind
  text: string
  names: string[]
  doc: string | null
}

/** Each request with its answer. */
export interface Requests {
  start: [{ module: WebAssembly.Module; mounted: Mounted[] }, null]
  mount: [Mounted, null]
  unpack: [Blob, { contents: Blob; entries: ArchiveEntry[] }]
  check: [{ files: Files; path: string }, Diagnostic[]]
  explain: [{ files: Files; path: string; view: View }, string]
  probe: [{ files: Files; text: string }, Probe | null]
  globals: [null, string[]]
  evaluate: [{ files: Files; limits: Limits }, Outcome]
  expand: [{ value: number; first: number; count: number }, { node: Node; length: number; entries: Entry[] }]
  child: [{ value: number; name: string | number }, Node]
  render: [{ value: number; form: 'nix' | 'json' }, string]
  derivations: [{ value: number; count: number }, { rows: DrvRow[]; more: boolean }]
  closure: [{ paths: string[] }, Derivation[]]
  drv: [{ path: string }, string]
  forces: [{ files: Files; limits: Limits; room: number }, { forces: Force[]; failure?: Failure }]
  counts: [null, { counts: Counts; memory: number }]
}

export type Kinds = keyof Requests
export type Request = { [K in Kinds]: { id: number; kind: K; body: Requests[K][0] } }[Kinds]
export type Reply =
  | { id: number; ok: true; answer: unknown }
  | { id: number; ok: false; failure: Failure; dead: boolean }
  | { event: EventKind; text: string }
  | { unpacked: number; files: number }
