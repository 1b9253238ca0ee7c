import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { it } from 'node:test'
import { moduleArgs } from '../../../test/support/fast.ts'
import { unlooked } from './scratchTraces.ts'
import type { TraceSender } from './traceExporter.ts'
import { openTracePipe, type SpanFate } from './tracing.ts'

function pipeTo(send: TraceSender, share = 1) {
  const fates: Partial<Record<SpanFate, number>> = {}
  const count = (fate: SpanFate, spans: number) => {
    if (spans > 0) fates[fate] = (fates[fate] ?? 0) + spans
  }
  const pipe = openTracePipe({ process: 'test', build: 'test', share, ...unlooked, send, count })
  const end = (spans: number, parent: string | null = null) => {
    for (let n = 0; n < spans; n += 1) pipe.begin({ name: 'one', kind: 'internal', parent }, undefined).end()
  }
  return { pipe, fates, end }
}

/** A collector that took the connection and says nothing more. */
const silent: TraceSender = (_text, signal) =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))

it('a collector that does not answer costs no more than 2048 spans, and no time when the process ends', async () => {
  const { pipe, fates, end } = pipeTo(silent)
  end(5_000)
  assert.deepEqual(fates, { 'queue-full': 5_000 - 2_048 })
  const began = performance.now()
  await pipe.close(100)
  assert.ok(performance.now() - began < 1_000)
  assert.deepEqual(fates, { 'queue-full': 5_000 - 2_048, 'not-taken': 2_048 })
  end(1)
  assert.equal(fates['queue-full'], 5_001 - 2_048, 'what ends later is dropped')
})

it('what a collector does not take is dropped, and what comes after it is sent', async () => {
  let refusals = 2
  const { pipe, fates, end } = pipeTo(async () => {
    if (refusals-- > 0) throw new Error('away')
    return { rejected: 0 }
  })
  for (let n = 0; n < 4; n += 1) {
    end(10)
    await pipe.flush()
  }
  assert.deepEqual(fates, { 'not-taken': 20, sent: 20 })
  await pipe.close(1_000)
})

it('what cannot be written is dropped as well', async () => {
  const { pipe, fates, end } = pipeTo(() => {
    throw new Error('not even a promise')
  })
  end(3)
  await pipe.close(1_000)
  assert.deepEqual(fates, { 'not-taken': 3 })
})

it('keeps the share of the traces that begin here, and of others what their beginning says', async () => {
  const { pipe, fates, end } = pipeTo(async () => ({ rejected: 0 }), 0.25)
  for (let n = 0; n < 4; n += 1) {
    end(1_000)
    await pipe.flush()
  }
  const { sent = 0 } = fates
  assert.ok(sent > 850 && sent < 1_150, `${sent} of 4000`)
  end(100, '00-11111111111111111111111111111111-2222222222222222-01')
  end(100, '00-ffffffffffffffffffffffffffffffff-2222222222222222-00')
  await pipe.close(1_000)
  assert.equal(fates.sent, sent + 100)
})

const urlOf = (file: string) => JSON.stringify(new URL(file, import.meta.url).href)

/** Prints what comes of it, and must end by itself. */
async function ran(source: string): Promise<string> {
  const child = spawn(process.execPath, moduleArgs(source), { stdio: ['ignore', 'pipe', 'inherit'] })
  const [printed] = await Promise.all([text(child.stdout), once(child, 'exit')])
  return printed.trim()
}

it('spans that wait do not keep a process from ending', async () => {
  const source = `
    import { openTracePipe } from ${urlOf('./tracing.ts')}
    import { unlooked } from ${urlOf('./scratchTraces.ts')}
    const pipe = openTracePipe({
      process: 't', build: 't', share: 1, ...unlooked, send: () => new Promise(() => {}), count() {},
    })
    pipe.begin({ name: 'one', kind: 'internal' }).end()
    console.log(process.uptime())
    process.on('exit', () => console.log(process.uptime()))`
  const [ended, gone] = (await ran(source)).split('\n').map(Number) as [number, number]
  assert.ok(gone - ended < 1, `${gone - ended} s`)
})

it('nothing of the SDK is loaded while nobody wants traces', async () => {
  const source = `
    import { registerHooks } from 'node:module'
    const loaded = []
    registerHooks({ load: (url, context, next) => { loaded.push(url); return next(url, context) } })
    await import(${urlOf('./index.ts')})
    const found = () => new Set(loaded.flatMap((url) => /@opentelemetry\\/([\\w-]+)/.exec(url)?.[1] ?? []))
    console.log([...found()].join())
    await import(${urlOf('./tracing.ts')})
    console.log(found().has('sdk-trace'))`
  // prom-client brings the API, which does nothing by itself.
  assert.deepEqual((await ran(source)).split('\n'), ['api', 'true'])
})
