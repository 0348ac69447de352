/** Archives as trees of files: tar, tar.gz, tar.xz and zip. What unpacks them is loaded when it is needed. */

/** An entry: its path, what it is, and where its contents begin and end, or what it links to. */
export type Entry =
  | [path: string, kind: 'file' | 'executable', from: number, to: number]
  | [path: string, kind: 'link', from: 0, to: 0, target: string]

/** Files that were unpacked: their index, and what reads the bytes from one number to another. */
export interface Archive {
  entries: Entry[]
  read: (from: number, to: number) => Uint8Array
}

export interface UnpackOptions {
  /** Is told how many bytes of contents were unpacked so far. */
  onProgress?: (bytes: number, files: number) => void
}

/** Contents one after the other, in pieces as they came. */
export class Pieces {
  readonly parts: Uint8Array<ArrayBuffer>[] = []
  readonly #starts: number[] = []
  #length = 0

  get length(): number {
    return this.#length
  }

  /** Adds a file's contents; answers where they begin. */
  add(bytes: Uint8Array): number {
    const from = this.#length
    if (bytes.length > 0) {
      this.#starts.push(from)
      this.parts.push(bytes as Uint8Array<ArrayBuffer>)
      this.#length += bytes.length
    }
    return from
  }

  read(from: number, to: number): Uint8Array {
    if (from === to) return new Uint8Array()
    let [low, high] = [0, this.#starts.length]
    while (high - low > 1) {
      const middle = (low + high) >> 1
      if (this.#starts[middle]! <= from) low = middle
      else high = middle
    }
    const start = this.#starts[low]!
    return this.parts[low]!.subarray(from - start, to - start)
  }
}

/** Of paths that all lie in one folder, those below it; archives of repositories are packed so. */
function below(entries: Entry[]): Entry[] {
  const tops = new Set(entries.map(([path]) => path.split('/', 1)[0]))
  if (tops.size !== 1 || entries.some(([path]) => !path.includes('/'))) return entries
  const [top] = tops
  return entries.map(([path, ...rest]) => [path.slice(top!.length + 1), ...rest] as Entry)
}

function path(name: string): string | undefined {
  const parts = name.split('/').filter((part) => part !== '' && part !== '.')
  if (parts.includes('..')) throw new Error(`'${name}' leads out of the archive`)
  return parts.length > 0 ? parts.join('/') : undefined
}

async function tar(stream: ReadableStream<Uint8Array>, pieces: Pieces, options: UnpackOptions): Promise<Entry[]> {
  const { createTarDecoder } = await import('modern-tar')
  const entries: Entry[] = []
  const contents = new Map<string, Entry>()
  const reader = stream.pipeThrough(createTarDecoder()).getReader()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return entries
    const { header, body } = value
    const name = path(header.name)
    if (name === undefined || (header.type ?? 'file') === 'directory') await body.cancel()
    else if (header.type === 'symlink') {
      await body.cancel()
      entries.push([name, 'link', 0, 0, header.linkname ?? ''])
    } else if (header.type === 'link') {
      await body.cancel()
      const same = contents.get(path(header.linkname ?? '') ?? '')
      if (same) entries.push([name, ...same.slice(1)] as Entry)
    } else if ((header.type ?? 'file') === 'file') {
      const bytes = new Uint8Array(await new Response(body).arrayBuffer())
      const from = pieces.add(bytes)
      const kind = ((header.mode ?? 0) & 0o100) !== 0 ? 'executable' : 'file'
      const entry: Entry = [name, kind, from, from + bytes.length]
      contents.set(name, entry)
      entries.push(entry)
      if (entries.length % 500 === 0) options.onProgress?.(pieces.length, entries.length)
    } else await body.cancel()
  }
}

async function zip(blob: Blob, pieces: Pieces, options: UnpackOptions): Promise<Entry[]> {
  const { BlobReader, Uint8ArrayWriter, ZipReader, configure } = await import('@zip.js/zip.js/lib/zip-core-native.js')
  configure({ useWebWorkers: false })
  const entries: Entry[] = []
  for await (const entry of new ZipReader(new BlobReader(blob)).getEntriesGenerator()) {
    const name = path(entry.filename)
    if (name === undefined || entry.directory) continue
    const bytes = await entry.getData(new Uint8ArrayWriter())
    const mode = entry.externalFileAttributes >>> 16
    if ((mode & 0o170000) === 0o120000) entries.push([name, 'link', 0, 0, new TextDecoder().decode(bytes)])
    else {
      const from = pieces.add(bytes)
      entries.push([name, (mode & 0o100) !== 0 ? 'executable' : 'file', from, from + bytes.length])
    }
    if (entries.length % 500 === 0) options.onProgress?.(pieces.length, entries.length)
  }
  return entries
}

/** Unpacks an archive, whose kind its first bytes tell. A folder that holds all of it is left out. */
export async function unpack(source: Blob | Uint8Array, options: UnpackOptions = {}): Promise<Archive & { pieces: Pieces }> {
  const blob = source instanceof Blob ? source : new Blob([source as Uint8Array<ArrayBuffer>])
  const magic = new Uint8Array(await blob.slice(0, 6).arrayBuffer())
  const starts = (...bytes: number[]): boolean => bytes.every((byte, i) => magic[i] === byte)
  const pieces = new Pieces()
  let entries: Entry[]
  if (starts(0x50, 0x4b)) entries = await zip(blob, pieces, options)
  else if (starts(0x1f, 0x8b)) {
    const gunzip = new DecompressionStream('gzip') as unknown as ReadableWritablePair<Uint8Array, Uint8Array>
    entries = await tar(blob.stream().pipeThrough(gunzip), pieces, options)
  } else if (starts(0xfd, 0x37, 0x7a, 0x58, 0x5a)) {
    const { XzReadableStream } = (await import('xz-decompress')).default
    entries = await tar(new XzReadableStream(blob.stream()), pieces, options)
  } else if (starts(0x28, 0xb5, 0x2f) || starts(0x42, 0x5a, 0x68)) {
    throw new Error('archives are read as tar, tar.gz, tar.xz and zip; unpack zst or bz2 first')
  } else entries = await tar(blob.stream(), pieces, options)
  if (entries.length === 0) throw new Error('there are no files in the archive')
  return { entries: below(entries), read: (from, to) => pieces.read(from, to), pieces }
}
