// What TypeScript makes of the package.
import { Evaluator, NixError, Tree, evaluate, type Diagnostic, type Job, type Value } from '@frazil/wasm'
import { unpack } from '@frazil/wasm/archives'
import { init } from '@frazil/wasm/web'

await init()
const ports: number[] = (await evaluate<{ ports: number[] }>('{ ports = [ 1 ]; }')).ports
const evaluator = new Evaluator({ trees: [new Tree('/x', await unpack(new Blob()))], limits: { memoryMiB: 64 } })
const value: Value<number> = evaluator.evalSync<number>('1')
const n: number = value.toJSSync()
const found: Diagnostic[] = evaluator.check('1', { encoding: 'utf-8' })
for await (const job of evaluator.jobs(value)) {
  const path: string = job.ok ? job.drvPath : job.error.codeframe
  const same: Job = job
  console.log(path, same)
}
// @ts-expect-error no such limit
new Evaluator({ limits: { memories: 1 } })
// @ts-expect-error the code is one of a closed set
const isOther = (error: NixError): boolean => error.code === 'FRAZIL_OTHER'
console.log(ports, n, found, isOther)
