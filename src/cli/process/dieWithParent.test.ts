import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'

const source = (stop: string, after = 'setInterval(() => {}, 1e6)', cap = 'undefined'): string => `
  import { dieWithParent } from ${JSON.stringify(new URL('./dieWithParent.ts', import.meta.url).href)}
  dieWithParent(async () => { console.log('stopping'); ${stop} }, ${cap})
  process.send('ready')
  ${after}`

test('three signals and a lost parent stop the process once, with its own exit code', async () => {
  const pause = 'await new Promise((resolve) => setTimeout(resolve, 300)); return 7'
  const child = start(source(pause))
  const output = collect(child)
  await once(child, 'message')
  child.kill('SIGINT')
  child.kill('SIGTERM')
  child.disconnect()
  child.kill('SIGINT')
  assert.deepEqual(await ended(child), { code: 7, signal: null })
  assert.equal(output().split('stopping').length - 1, 1)
})

test('a parent that has gone ends the process', async () => {
  const child = start(source(''))
  await once(child, 'message')
  child.disconnect()
  assert.deepEqual(await ended(child), { code: 0, signal: null })
})

test('a parent that went before the process listened ends it too', async () => {
  const late = `await new Promise((resolve) => process.once('disconnect', resolve))`
  const listening = source('').replace(`process.send('ready')`, '')
  const child = start(`process.send('loading')\n${late}\n${listening}`)
  await once(child, 'message')
  child.disconnect()
  assert.deepEqual(await ended(child), { code: 0, signal: null })
})

test('a stop that fails is shown and makes the exit code 1', async () => {
  const child = start(source(`throw new Error('cannot stop')`))
  let errors = ''
  child.stderr?.on('data', (chunk) => {
    errors += chunk
  })
  await once(child, 'message')
  child.kill('SIGTERM')
  assert.deepEqual(await ended(child), { code: 1, signal: null })
  assert.match(errors, /cannot stop/)
})

test('a stop that takes longer than the cap is cut off with exit code 1', async () => {
  const child = start(source('await new Promise(() => {})', undefined, '200'))
  await once(child, 'message')
  child.kill('SIGTERM')
  assert.deepEqual(await ended(child), { code: 1, signal: null })
})

test('listening does not keep a finished process alive', async () => {
  const child = start(source('', ''))
  assert.deepEqual(await ended(child), { code: 0, signal: null })
})

function start(program: string): ChildProcess {
  return spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
}

function collect(child: ChildProcess): () => string {
  let output = ''
  child.stdout?.on('data', (chunk) => {
    output += chunk
  })
  return () => output
}

async function ended(child: ChildProcess): Promise<{ code: number | null; signal: string | null }> {
  const [code, signal] = await once(child, 'exit')
  return { code, signal }
}
