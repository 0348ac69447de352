/** Programs in the URL's fragment, which no server sees. */
import type { Files } from './protocol'

async function through(stream: ReadableWritablePair<Uint8Array, Uint8Array>, bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const blob = new Blob([bytes]).stream().pipeThrough(stream as ReadableWritablePair<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>)
  return new Uint8Array(await new Response(blob).arrayBuffer())
}

export async function toFragment(files: Files): Promise<string> {
  const bytes = new TextEncoder().encode(JSON.stringify({ version: 1, files }))
  const packed = await through(new CompressionStream('deflate-raw') as never, bytes)
  let binary = ''
  for (const byte of packed) binary += String.fromCharCode(byte)
  return `#p=${btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')}`
}

export async function fromFragment(fragment: string): Promise<Files | undefined> {
  const packed = /^#p=([\w-]+)$/.exec(fragment)?.[1]
  if (packed === undefined) return undefined
  try {
    const binary = atob(packed.replaceAll('-', '+').replaceAll('_', '/'))
    const bytes = await through(new DecompressionStream('deflate-raw') as never, Uint8Array.from(binary, (c) => c.charCodeAt(0)))
    const { files } = JSON.parse(new TextDecoder().decode(bytes)) as { files: unknown }
    const entries = Object.entries(files as Files).filter(([, text]) => typeof text === 'string')
    return entries.some(([name]) => name === 'main.nix') ? Object.fromEntries(entries) : undefined
  } catch {
    return undefined
  }
}
