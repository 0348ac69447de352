// A static server as any host of static files would be, which compresses by brotli once and remembers it.
import { createReadStream, existsSync, readFileSync, readdirSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import { extname, join, normalize } from 'node:path'
import { brotliCompressSync } from 'node:zlib'

const TYPES = {
  '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm', '.webmanifest': 'application/manifest+json', '.gz': 'application/octet-stream',
}

/** Serves a folder, and single files by name; answers its origin, how many bytes it sent for each path, and how to end it. */
export async function serve(folder, files = {}) {
  const packed = new Map()
  const sent = new Map()
  // Before anybody waits for it, as a host would.
  for (const name of readdirSync(folder, { recursive: true })) {
    const file = join(folder, name)
    if (TYPES[extname(file)] && extname(file) !== '.gz') packed.set(file, brotliCompressSync(readFileSync(file)))
  }
  const server = createServer((request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url, 'http://host').pathname))
    const file = files[path] ?? join(folder, path === '/' ? 'index.html' : path)
    if (!existsSync(file) || statSync(file).isDirectory()) {
      response.writeHead(404).end()
      return
    }
    const type = TYPES[extname(file)] ?? 'application/octet-stream'
    if (type === 'application/octet-stream') {
      response.writeHead(200, { 'content-type': type, 'content-length': statSync(file).size })
      createReadStream(file).pipe(response)
      sent.set(path, statSync(file).size)
      return
    }
    const body = packed.get(file)
    sent.set(path, body.length)
    response.writeHead(200, { 'content-type': type, 'content-encoding': 'br', 'content-length': body.length }).end(body)
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const close = () => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  }
  return { origin: `http://127.0.0.1:${server.address().port}`, sent, close }
}
