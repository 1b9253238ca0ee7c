import { randomBytes } from 'node:crypto'
import { sql } from 'drizzle-orm'
import type { Stores } from '../../../data/index.ts'
import { databases } from '../../../data/roles.ts'
import { shiftedClock } from '../../../kernel/clock.ts'
import { type Measure, measure } from '../../../proof/measure.ts'
import { findInDatabase, formsOf } from '../../secrets/index.ts'
import type { TenancyApi, Tenant } from '../../tenancy/index.ts'
import type { Material, Materials } from '../materials.ts'
import { LONGEST_LIFE, openTokens, type TokenParts, type Tokens } from '../tokens.ts'

interface Parts {
  stores: Stores
  materials: Materials
  tokens: Tokens
  tokenParts: TokenParts
  canaries: TenancyApi['canaries']['find']
}

interface Life {
  minutes: number
}

const NAME = 'probe'

/** FEST-21. */
export function buildSigningFetch({ stores, materials, tokens, tokenParts, canaries }: Parts): Measure<Life> {
  return measure<Life>({
    key: 'build.signing.fetch',
    sources: ['FEST-21'],
    family: 'separation',
    maps: { gdpr: ['32(1)(b)'], iso27001: ['A.8.24', 'A.8.31'] },
    settings: { minutes: LONGEST_LIFE / 60_000 },
    timeout: 300_000,
    claim: {
      de: ({ minutes }) =>
        `Signaturschlüssel und Profile liegen je Mandant verschlüsselt; ein Build holt die seines Mandanten mit einem Token, das einmal und höchstens ${minutes} Minuten gilt. Jeder Abruf und jeder abgewiesene Versuch steht im Protokoll.`,
      en: ({ minutes }) =>
        `Signing keys and profiles are stored encrypted per tenant; a build fetches those of its tenant with a token that is good once, for ${minutes} minutes at most. Each fetch and each refused attempt stands in the trail.`,
    },
    async prove({ check, positiveControl, clock }) {
      for (const { model, a, b } of await canaries()) {
        const own = keystore()
        const other = { ...keystore(), name: 'probe-other' }
        const ofB = keystore()
        const tryIt = (by: Tokens, tenant: Tenant, token: string, name = NAME) =>
          outcomeOf(by, tenant, token, name)
        await withMaterials(
          materials,
          [
            [a, own],
            [a, other],
            [b, ofB],
          ],
          async () => {
            const issue = (life = LONGEST_LIFE) => tokens.issue(a, [NAME], life)
            const [first, foreign, late, wide] = [
              await issue(),
              await issue(),
              await issue(2 * LONGEST_LIFE),
              await issue(),
            ]
            const before = await trailOf(a, b)
            const [fetched] = await tokens.redeem(a, first, [NAME])
            positiveControl(
              `${model}: a build of A fetches what A entered`,
              true,
              fetched?.content.equals(own.content),
            )
            check(
              `${model}: the same token a second time`,
              'signing-token-refused',
              await tryIt(tokens, a, first),
            )
            check(
              `${model}: a build of A asks at B`,
              'signing-token-refused',
              await tryIt(tokens, b, foreign),
            )
            check(
              `${model}: a build of A asks for what its token does not name`,
              'signing-token-refused',
              await tryIt(tokens, a, wide, other.name),
            )
            const later = openTokens({ ...tokenParts, clock: shiftedClock(clock, LONGEST_LIFE + 1_000) })
            check(
              `${model}: a token after ${LONGEST_LIFE / 60_000} minutes, made for longer`,
              'signing-token-refused',
              await tryIt(later, a, late),
            )
            check(`${model}: a build without a token`, 'signing-token-refused', await tryIt(tokens, a, ''))
            const { fetches, refusals } = await trailOf(a, b)
            check(`${model}: fetches in the trail of A`, 1, fetches - before.fetches)
            check(`${model}: refusals in the trails of A and B`, 5, refusals - before.refusals)
            const database = model === 'rows' ? databases.pool : a.slug
            const sought = [
              { name: 'keystore', forms: formsOf(own.content.subarray(8, 40)) },
              { name: 'passphrase', forms: formsOf(Buffer.from(own.passphrase)) },
              { name: 'name', forms: [other.name] },
            ]
            const found = await findInDatabase(stores.asMigrator, database, [a.id, b.id], sought)
            positiveControl(
              `${model}: a look at the database finds the material by its name`,
              true,
              found.includes('name'),
            )
            check(
              `${model}: what it finds of the material itself`,
              [],
              found.filter((name) => name !== 'name'),
            )
          },
        )
      }
    },
  })
}

/** Begins as PKCS #12 does. */
export function keystore(): Material & { passphrase: string } {
  const content = Buffer.concat([Buffer.from('308209f4020103', 'hex'), randomBytes(2_000)])
  return { name: NAME, kind: 'keystore', content, passphrase: randomBytes(18).toString('hex') }
}

async function withMaterials(
  materials: Materials,
  entries: readonly (readonly [Tenant, Material])[],
  work: () => Promise<void>,
): Promise<void> {
  try {
    for (const [tenant, material] of entries) await materials.keep(tenant, material)
    await work()
  } finally {
    for (const [tenant, { name }] of entries) await materials.remove(tenant, name)
  }
}

async function outcomeOf(tokens: Tokens, tenant: Tenant, token: string, name: string): Promise<string> {
  return tokens.redeem(tenant, token, [name]).then(
    () => 'fetched',
    (error: { code?: string }) => {
      if (!error.code) throw error
      return error.code
    },
  )
}

/** What the trails of both tenants say so far. */
async function trailOf(...tenants: Tenant[]): Promise<{ fetches: number; refusals: number }> {
  const sums = { fetches: 0, refusals: 0 }
  for (const tenant of tenants) {
    const { rows } = await tenant.transaction((db) =>
      db.execute<{ fetches: number; refusals: number }>(
        sql`SELECT count(*) FILTER (WHERE act = 'signing.fetch')::int AS fetches,
              count(*) FILTER (WHERE act = 'signing.refused')::int AS refusals
            FROM audit.entry`,
      ),
    )
    sums.fetches += rows[0]?.fetches ?? 0
    sums.refusals += rows[0]?.refusals ?? 0
  }
  return sums
}
