import assert from 'node:assert/strict'
import { performance } from 'node:perf_hooks'
import { after, before, describe, it, type TestContext } from 'node:test'
import { decodeProtectedHeader } from 'jose'
import { type TestPlatform, testPlatform } from '../../../test/support/platform.ts'
import type { Clock } from '../../kernel/clock.ts'
import { openAccessTokens } from './accessTokens.ts'
import { es256, forgedTokens } from './forgeries.ts'
import { openGraceWindow } from './graceWindow.ts'
import { type IdentityApi, identity } from './index.ts'
import { type Realm, tenantRealm } from './realm.ts'
import { openRefreshTokens } from './refreshTokens.ts'
import { openSessions, type Sessions } from './sessions.ts'

const PASSWORD = 'a long enough sentence'
let platform: TestPlatform
let api: IdentityApi
before(async () => {
  platform = await testPlatform([identity])
  api = platform.api('identity') as IdentityApi
})
after(() => platform?.stop())

/** Sessions as they run, with a clock that the test moves. */
function sessionsAt(clock: Clock, redis = platform.stores.redis): Sessions {
  return openSessions({
    clock,
    access: openAccessTokens(api.keys, 'surety', clock),
    refreshTokens: openRefreshTokens(Buffer.alloc(32, 7)),
    window: openGraceWindow(redis, 10_000),
    accessLife: 300_000,
    sessionLife: 2_592_000_000,
    idleLife: 604_800_000,
    grace: 10_000,
    theftAt: 3,
    onAlarm: () => undefined,
  })
}

const tally = { attempts: 0, succeeded: 0 }

function count(context: TestContext, attempts: number, succeeded: number): void {
  tally.attempts += attempts
  tally.succeeded += succeeded
  context.diagnostic(
    `${attempts} attempts, ${succeeded} succeeded; so far ${tally.attempts}, ${tally.succeeded}`,
  )
}

for (const model of ['rows', 'database'] as const) {
  describe(`attacks on the sign-in of a tenant (${model})`, () => {
    let realm: Realm
    let person: { id: string; password: string | null }
    let ahead = 0
    const clock = { now: () => new Date(Date.now() + ahead) }
    let sessions: Sessions
    const begin = () => sessions.begin(realm, person, { device: 'test', factors: ['pwd'] })
    const taken = (token: string) =>
      sessions.refresh(realm, token).then(
        (tokens) => tokens.refresh,
        () => undefined,
      )
    const alive = (token: string) =>
      sessions.whose(realm, token).then(
        () => true,
        () => false,
      )
    before(async () => {
      realm = tenantRealm(await platform.makeTenant(model))
      const email = 'mia@example.org'
      await api.people.add(realm, { email, name: 'Mia', role: 'owner', password: PASSWORD })
      person = await api.people.signIn(realm, email, PASSWORD)
      sessions = sessionsAt(clock)
    })

    it('takes no forged token', async (context) => {
      const { access } = await begin()
      const { publicJwk, publicKey, privateKey } = api.keys.signer()
      const header = decodeProtectedHeader(access) as Record<string, unknown>
      const forged = forgedTokens({ token: access, publicJwk, publicKey }, (claims) =>
        es256(header, claims, privateKey()),
      )
      const passed = []
      for (const [what, token] of forged) if (await alive(token)) passed.push(what)
      assert.equal(await alive(access), true)
      count(context, forged.length, passed.length)
      assert.deepEqual(passed, [])
    })

    it('answers 200 parallel uses of one refresh token thrice, with one successor, and ends the family', async (context) => {
      const { refresh, access } = await begin()
      const answers = await Promise.all(Array.from({ length: 200 }, () => taken(refresh)))
      const given = answers.filter((answer) => answer !== undefined)
      count(context, 200, given.length - 3)
      assert.equal(given.length, 3)
      assert.equal(new Set(given).size, 1)
      assert.equal(await taken(given[0] as string), undefined)
      assert.equal(await alive(access), false)
    })

    it('answers a replay at 9 s, and ends the family for one at 11 s', async (context) => {
      const { refresh } = await begin()
      const next = (await taken(refresh)) as string
      ahead += 9_000
      assert.equal(await taken(refresh), next)
      ahead += 2_000
      const late = await taken(refresh)
      const after = await taken(next)
      count(context, 2, [late, after].filter(Boolean).length)
      assert.deepEqual([late, after], [undefined, undefined])
    })

    it('gives the same verdicts when Redis is lost half-way', async (context) => {
      const redis = platform.stores.redis.duplicate()
      await redis.ping()
      sessions = sessionsAt(clock, redis)
      const { refresh } = await begin()
      const next = await taken(refresh)
      assert.equal(await taken(refresh), next)
      redis.disconnect()
      assert.equal(await taken(refresh), next)
      const third = await taken(refresh)
      const newest = await taken(next as string)
      const other = await begin()
      const results = await Promise.all(Array.from({ length: 50 }, () => taken(other.refresh)))
      const given = results.filter(Boolean).length
      count(context, 52, [third, newest].filter(Boolean).length + given - 3)
      assert.deepEqual([third, newest, given], [undefined, undefined, 3])
      sessions = sessionsAt(clock)
    })

    it('leaves nothing usable when refresh and sign-out race', async (context) => {
      let usable = 0
      for (let round = 0; round < 50; round += 1) {
        const { refresh, session } = await begin()
        const [answer] = await Promise.all([taken(refresh), sessions.end(realm, person.id, session)])
        if (await taken(answer ?? refresh)) usable += 1
      }
      count(context, 50, usable)
      assert.equal(usable, 0)
    })

    it('begins no session with a password that was changed meanwhile', async (context) => {
      const email = 'race@example.org'
      const id = await api.people.add(realm, { email, name: 'R', role: 'reader', password: PASSWORD })
      const { password } = await api.people.signIn(realm, email, PASSWORD)
      const late = Array.from({ length: 20 }, () =>
        sessions.begin(realm, { id, password }, { device: 't', factors: ['pwd'] }),
      )
      const [, ...begun] = await Promise.allSettled([
        api.people.changePassword(realm, id, password, 'another long one'),
        ...late,
      ])
      const tokens = begun.flatMap((result) => (result.status === 'fulfilled' ? [result.value.access] : []))
      let usable = 0
      for (const token of tokens) if (await alive(token)) usable += 1
      count(context, 20, usable)
      assert.equal(usable, 0)
    })

    it('takes as long for an unknown address as for a wrong password', async (context) => {
      const times: Record<string, number> = { 'mia@example.org': Infinity, 'nobody@example.org': Infinity }
      for (let round = 0; round < 12; round += 1) {
        for (const email of Object.keys(times)) {
          const before = performance.now()
          await assert.rejects(api.people.signIn(realm, email, 'a wrong password'), {
            code: 'sign-in-refused',
          })
          times[email] = Math.min(times[email] as number, performance.now() - before)
        }
      }
      const [known, unknown] = Object.values(times) as [number, number]
      context.diagnostic(`fastest: known ${known.toFixed(1)} ms, unknown ${unknown.toFixed(1)} ms`)
      count(context, 24, 0)
      // Without the equal work an unknown address would be answered some fifty times faster.
      assert.ok(unknown > known / 3)
    })
  })
}
