import assert from 'node:assert/strict'
import { it } from 'node:test'
import { openTurns } from './turns.ts'

const never = new AbortController().signal
const tick = () => new Promise((resolve) => setImmediate(resolve))

/** Asks for a turn and tells in `order` when it came. */
function ask(turns: ReturnType<typeof openTurns>, order: string[], tenant: string, signal = never) {
  return turns.take(tenant, signal).then((giveBack) => {
    order.push(tenant)
    return giveBack
  })
}

it('no tenant has all the turns, and whoever has fewest comes first', async () => {
  const turns = openTurns(3)
  const order: string[] = []
  const ofA = [1, 2, 3, 4].map(() => ask(turns, order, 'a'))
  await tick()
  assert.deepEqual(order, ['a', 'a'])
  const ofB = [1, 2].map(() => ask(turns, order, 'b'))
  await tick()
  assert.deepEqual(order, ['a', 'a', 'b'])
  ;(await ofA[0])?.()
  await tick()
  assert.deepEqual(order, ['a', 'a', 'b', 'a'], 'both have one: who asked first')
  ;(await ofB[0])?.()
  await tick()
  assert.deepEqual(order.at(-1), 'b')
})

it('one turn is enough for one after the other', async () => {
  const turns = openTurns(1)
  const order: string[] = []
  const calls = ['a', 'b', 'a'].map((tenant) => ask(turns, order, tenant))
  for (const call of calls) (await call)()
  assert.deepEqual(order, ['a', 'b', 'a'])
})

it('who no longer waits is passed over', async () => {
  const turns = openTurns(1)
  const order: string[] = []
  const stop = new AbortController()
  const first = await ask(turns, order, 'a')
  const second = ask(turns, order, 'b', stop.signal)
  const third = ask(turns, order, 'c')
  stop.abort(new Error('gone'))
  await assert.rejects(second, /gone/)
  first()
  ;(await third)()
  assert.deepEqual(order, ['a', 'c'])
})

it('a tenant that asks for too much is told so, and nobody else', async () => {
  const turns = openTurns(1)
  const order: string[] = []
  await ask(turns, order, 'a')
  for (let i = 0; i < 32; i++) void ask(turns, order, 'a')
  await assert.rejects(ask(turns, order, 'a'), { code: 'sandbox-busy', status: 503 })
  const other = new AbortController()
  const waits = ask(turns, order, 'b', other.signal)
  await tick()
  other.abort(new Error('no more'))
  await assert.rejects(waits, /no more/)
})
