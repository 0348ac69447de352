/** A worker with promises in front of it. It can be ended at any time, and begins anew with the next question. */
import type { EventKind } from '@frazil/wasm/web'
import type { Failure, Kinds, Mounted, Reply, Request, Requests } from './protocol'

export class Failed extends Error {
  constructor(readonly failure: Failure) {
    super(failure.message)
  }
}

export class Stopped extends Error {}

interface Waiting {
  resolve: (answer: unknown) => void
  reject: (error: Error) => void
}

export class Client {
  onEvent: (kind: EventKind, text: string) => void = () => {}
  onProgress: (bytes: number, files: number) => void = () => {}
  /** Is told whether there is something that could be stopped. */
  onBusy: (busy: boolean) => void = () => {}
  #worker: Worker | undefined
  #waiting = new Map<number, Waiting>()
  #next = 0
  readonly #module: Promise<WebAssembly.Module>
  readonly #mounted: Mounted[]

  constructor(module: Promise<WebAssembly.Module>, mounted: Mounted[]) {
    this.#module = module
    this.#mounted = mounted
  }

  /** Ends the worker, and with it what it is doing. */
  stop(): void {
    this.#worker?.terminate()
    this.#worker = undefined
    for (const { reject } of this.#waiting.values()) reject(new Stopped('stopped'))
    this.#waiting.clear()
    this.onBusy(false)
  }

  async ask<K extends Kinds>(kind: K, body: Requests[K][0]): Promise<Requests[K][1]> {
    if (!this.#worker) {
      const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' })
      this.#worker = worker
      worker.addEventListener('message', ({ data }: MessageEvent<Reply>) => this.#hear(data))
      worker.addEventListener('error', (event) => {
        event.preventDefault()
        this.#fail(`the worker failed: ${event.message}`)
      })
      const module = await this.#module
      void this.#send('start', { module, mounted: this.#mounted }).catch(() => {})
    }
    // Questions come in order, and the module is asked for before the first.
    await this.#module
    return this.#send(kind, body)
  }

  #send<K extends Kinds>(kind: K, body: Requests[K][0]): Promise<Requests[K][1]> {
    const id = ++this.#next
    return new Promise((resolve, reject) => {
      if (!this.#worker) return reject(new Stopped('stopped'))
      this.#waiting.set(id, { resolve: resolve as Waiting['resolve'], reject })
      this.onBusy(true)
      this.#worker.postMessage({ id, kind, body } as Request)
    })
  }

  #fail(message: string): void {
    const text = `error: ${message}`
    const waiting = [...this.#waiting.values()]
    this.#waiting.clear()
    this.stop()
    for (const { reject } of waiting) reject(new Failed({ code: 'FRAZIL_INTERNAL', message, labels: [], codeframe: text, full: text }))
  }

  #hear(reply: Reply): void {
    if ('event' in reply) return this.onEvent(reply.event, reply.text)
    if ('unpacked' in reply) return this.onProgress(reply.unpacked, reply.files)
    const waiting = this.#waiting.get(reply.id)
    this.#waiting.delete(reply.id)
    this.onBusy(this.#waiting.size > 0)
    if (reply.ok) return waiting?.resolve(reply.answer)
    if (reply.dead) this.stop()
    waiting?.reject(new Failed(reply.failure))
  }
}
