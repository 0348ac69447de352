// A small web service that evaluates untrusted programs under limits: POST a program, get its value as JSON.
//
//   node server.mjs [PORT]

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { Evaluator, NixError } from 'frazil'

/** The longest program that is read. */
const MOST_BYTES = 64 * 1024
/** The most programs that are evaluated at once. */
const MOST_AT_ONCE = 4

let atWork = 0

async function body(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > MOST_BYTES) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function answer(response: ServerResponse, status: number, data: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(data))
}

async function evaluate(program: string, signal: AbortSignal): Promise<unknown> {
  const evaluator = new Evaluator({ limits: { memoryMiB: 128, seconds: 1, steps: 50_000_000, depth: 2_000 } })
  try {
    const value = await evaluator.eval(program, { signal })
    return await value.toJS({ signal })
  } finally {
    evaluator.dispose()
  }
}

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.method !== 'POST') return answer(response, 405, { error: 'POST a program' })
  if (atWork >= MOST_AT_ONCE) return answer(response, 503, { error: 'try again later' })
  atWork += 1
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  try {
    const program = await body(request)
    if (program === undefined) return answer(response, 413, { error: 'the program is too long' })
    answer(response, 200, { value: await evaluate(program, gone.signal) })
  } catch (error) {
    if (!(error instanceof NixError)) return void response.destroy()
    answer(response, 422, { error: error.message, code: error.code, labels: error.labels })
  } finally {
    atWork -= 1
  }
}

/** The service on a port of this machine; 0 is any that is free. */
export function start(port: number): Promise<Server> {
  const server = createServer((request, response) => void serve(request, response))
  return new Promise((resolve) => server.listen(port, '127.0.0.1', () => resolve(server)))
}

const [, script, port] = process.argv
if (script !== undefined && import.meta.url === new URL(`file://${script}`).href) {
  await start(Number(port ?? 8080))
}
