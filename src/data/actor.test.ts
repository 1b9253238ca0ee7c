import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkActor, openActorSeals } from './actor.ts'

const key = Buffer.alloc(32, 7)
const at = new Date('2030-01-01T12:00:00Z')
const after = (ms: number) => new Date(at.getTime() + ms)
const seals = openActorSeals(key, { now: () => at })
const seal = seals.of('tenant-a', { kind: 'member', id: 'p1', impersonator: 'o1' })

test('a seal names the actor and holds for its tenant and time alone', () => {
  assert.match(seal, /^member:p1\+operator:o1 \d+ [\w-]{22}$/)
  assert.equal(checkActor(seal, 'tenant-a', after(30_000), key), true)
  assert.equal(checkActor(seal, 'tenant-b', after(30_000), key), false)
  assert.equal(checkActor(seal, 'tenant-a', after(120_000), key), false)
  assert.equal(checkActor(seal, 'tenant-a', at, Buffer.alloc(32, 8)), false)
})

test('nothing but the seal itself passes', () => {
  const [name, until, mac] = seal.split(' ') as [string, string, string]
  for (const forged of [
    '',
    name,
    `member:p2 ${until} ${mac}`,
    `${name} ${Number(until) + 60_000} ${mac}`,
    `${name} ${until} ${mac.slice(0, 21)}`,
    `${name} ${until} ${mac} x`,
  ])
    assert.equal(checkActor(forged, 'tenant-a', at, key), false, forged)
})
