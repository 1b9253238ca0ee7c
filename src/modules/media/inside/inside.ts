// What runs in the sandbox before the worker does. It is handed to Node as text, so it may import nothing of ours.
import { readFileSync, writeSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { deserialize } from 'node:v8'

/** The descriptor that the answer goes to. */
const ANSWER = 3

// Asks for the question: see exchange.ts.
writeSync(ANSWER, '?')
const question = readFileSync(0)
if (question.length === 0) process.exit(0)
const { worker, sources, input, files, timeout } = deserialize(question)
// Nobody waits any longer, should nobody be there to end it.
setTimeout(process.exit, timeout, 0).unref()
registerHooks({
  load(url, context, next) {
    const source = sources[url]
    return source === undefined ? next(url, context) : { format: 'module', source, shortCircuit: true }
  },
})
let answer: string
try {
  const { default: work } = await import(worker)
  answer = JSON.stringify({ answer: (await work(input, { files })) ?? null })
} catch (error) {
  answer = JSON.stringify({ error: error instanceof Error ? error.message : String(error) })
}
const bytes = Buffer.from(answer)
for (let at = 0; at < bytes.length; ) at += writeSync(ANSWER, bytes, at)
process.exit(0)
