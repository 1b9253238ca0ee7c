import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { sql } from 'drizzle-orm'
import { databases } from '../src/data/roles.ts'
import { statement } from '../src/data/statement.ts'
import { changedRows, inject, readAttacks, writeAttacks } from '../src/modules/tenancy/attack.ts'
import { type CanaryPair, markerOf, type Tenant } from '../src/modules/tenancy/index.ts'
import { type TestPlatform, testPlatform } from './support/platform.ts'

const markers = statement()('attack.markers', (db) =>
  db.select({ marker: sql<string>`marker` }).from(sql`tenancy.canary`),
)

/** One line of the matrix: how many ways were tried, and how many worked with the control whole and broken. */
interface Line {
  what: string
  attempts: number
  whole: string[]
  broken: string[]
}

/**
 * The attack matrix of SQL: every technique, on both isolation models, to read and to write. In the `database` model a
 * row of the victim is planted in the attacker's own database, as a misrouted connection would show it.
 */
describe('the attack matrix', () => {
  let platform: TestPlatform
  let pairs: CanaryPair[]
  const matrix: Line[] = []
  before(async () => {
    platform = await testPlatform()
    pairs = await platform.tenancy.canaries.open()
  })
  after(async () => {
    await platform?.stop()
    console.log(
      `${'attack'.padEnd(34)}${'tried'.padStart(8)}${'leaks'.padStart(8)}${'leaks, control broken'.padStart(24)}`,
    )
    for (const { what, attempts, whole, broken } of matrix)
      console.log(
        `${what.padEnd(34)}${String(attempts).padStart(8)}${String(whole.length).padStart(8)}${String(broken.length).padStart(24)}`,
      )
    const total = matrix.reduce((sum, { attempts }) => sum + attempts, 0)
    console.log(`${total} attacks, ${matrix.reduce((sum, { whole }) => sum + whole.length, 0)} leaks`)
  })

  const storeOf = ({ model, a }: CanaryPair) => (model === 'rows' ? databases.pool : a.slug)
  const asOwner = (pair: CanaryPair, statement: string) =>
    platform.asSuperuser(storeOf(pair), (client) => client.query(statement))

  /** The victim's row where the attacker could reach it, while `work` runs. */
  async function withVictimsRow<T>(pair: CanaryPair, work: () => Promise<T>): Promise<T> {
    if (pair.model === 'rows') return work()
    const { id } = pair.b
    await asOwner(
      pair,
      `INSERT INTO tenancy.canary (tenant_id, id, marker) VALUES ('${id}', '${id}', '${markerOf(pair.b)}')`,
    )
    try {
      return await work()
    } finally {
      await asOwner(pair, `DELETE FROM tenancy.canary WHERE tenant_id = '${id}'`)
    }
  }

  async function withoutPolicies<T>(pair: CanaryPair, work: () => Promise<T>): Promise<T> {
    await asOwner(pair, 'ALTER TABLE tenancy.canary DISABLE ROW LEVEL SECURITY')
    try {
      return await work()
    } finally {
      await asOwner(pair, 'ALTER TABLE tenancy.canary ENABLE ROW LEVEL SECURITY')
    }
  }

  async function reads({ a, b }: CanaryPair): Promise<string[]> {
    const leaks: string[] = []
    for (const [what, text] of readAttacks(a, b)) if ((await inject(a, b, text)) === 'LEAK') leaks.push(what)
    return leaks
  }

  async function writes({ a, b }: CanaryPair): Promise<string[]> {
    const done: string[] = []
    for (const [what, text] of writeAttacks(a, b)) if ((await changedRows(a, text)) ?? 0) done.push(what)
    return done
  }

  for (const model of ['rows', 'database'] as const) {
    for (const [direction, attack, list] of [
      ['read', reads, readAttacks],
      ['write', writes, writeAttacks],
    ] as const) {
      it(`${model}: no way to ${direction} works, and with the policies off some do`, async () => {
        const pair = pairs.find((one) => one.model === model) as CanaryPair
        await withVictimsRow(pair, async () => {
          const whole = await attack(pair)
          const broken = await withoutPolicies(pair, () => attack(pair))
          matrix.push({
            what: `SQL, ${direction}, ${model}`,
            attempts: list(pair.a, pair.b).length,
            whole,
            broken,
          })
          assert.deepEqual(whole, [])
          assert.ok(broken.length > 2, `the attacks are real: ${broken.join('; ')}`)
        })
      })
    }

    it(`${model}: a thousand interleaved queries of two tenants stay apart`, async () => {
      const pair = pairs.find((one) => one.model === model) as CanaryPair
      const asked = Array.from({ length: 1_000 }, (_, i) => (i % 2 ? pair.a : pair.b))
      const foreign = (answers: { marker: string }[][]) =>
        answers.flatMap((rows, i) =>
          rows.map(({ marker }) => marker).filter((marker) => marker !== markerOf(asked[i] as Tenant)),
        )
      const ask = () => Promise.all(asked.map((tenant) => tenant.query(markers, {})))
      const whole = foreign(await ask())
      const broken = await withVictimsRow(pair, () => withoutPolicies(pair, async () => foreign(await ask())))
      matrix.push({ what: `interleaved queries, ${model}`, attempts: asked.length, whole, broken })
      assert.deepEqual(whole, [])
      assert.ok(broken.length > 0)
    })

    it(`${model}: nothing that a transaction set, or left open, reaches the next one`, async () => {
      const pair = pairs.find((one) => one.model === model) as CanaryPair
      const { a, b } = pair
      const leftovers = [
        `SELECT set_config('app.tenant', '${b.id}', false)`,
        `SELECT set_config('search_path', 'pg_temp', false)`,
        `SELECT set_config('role', 'surety_tenant', false)`,
        `SELECT set_config('statement_timeout', '1', false)`,
        'DECLARE left CURSOR WITH HOLD FOR SELECT 1',
        'SELECT 1/0',
      ]
      const settings = async () =>
        (
          await a.transaction((db) =>
            db.execute(
              sql`SELECT current_setting('search_path') AS path, current_setting('statement_timeout') AS timeout, current_user AS role`,
            ),
          )
        ).rows[0]
      const clean = await settings()
      const whole: string[] = []
      for (const text of leftovers) {
        await a.transaction((db) => db.execute(sql.raw(text))).catch(() => undefined)
        for (const tenant of [b, a]) {
          const seen = await tenant.query(markers, {})
          if (seen.length !== 1 || seen[0]?.marker !== markerOf(tenant)) whole.push(text)
        }
        if (!isDeepStrictEqual(await settings(), clean)) whole.push(`${text} (settings)`)
      }
      matrix.push({ what: `left by a transaction, ${model}`, attempts: leftovers.length, whole, broken: [] })
      assert.deepEqual(whole, [])
    })
  }
})
