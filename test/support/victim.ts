import { createHash } from 'node:crypto'
import { sql } from 'drizzle-orm'
import { seedCanary } from '../../examples/festival/canary.ts'
import { newId } from '../../src/kernel/ids.ts'
import { type IdentityApi, tenantRealm } from '../../src/modules/identity/index.ts'
import type { Tenant } from '../../src/modules/tenancy/index.ts'

/** A tenant with something of every kind in it, to be attacked. */
export interface Victim {
  tenant: Tenant
  /** Stands in everything that belongs to it. */
  marker: string
  /** An access token of its owner. */
  owner: string
  ownerId: string
  /** What it has, by id. */
  ids: string[]
}

/** Fills `tenant`: people, sessions, tokens, a program, a passkey, an impersonation, events, and what the festival publishes. */
export async function makeVictim(identity: IdentityApi, tenant: Tenant): Promise<Victim> {
  const marker = `marker-${newId()}`
  const realm = tenantRealm(tenant)
  const person = { name: marker, role: 'owner', password: null }
  const email = `${marker}@example.org`
  const ownerId = await identity.people.add(realm, { ...person, email })
  const begin = () =>
    identity.sessions.begin(
      realm,
      { id: ownerId, password: null },
      { device: marker, factors: ['pwd', 'otp'] },
    )
  const [kept, other] = [await begin(), await begin()]
  const about = { name: marker, permissions: ['*.*'], life: 3_600_000 }
  const token = await identity.apiTokens.issue(realm, ownerId, about)
  const program = await identity.serviceAccounts.add(realm, { name: marker, role: 'owner' }, ownerId)
  const issued = await identity.serviceAccounts.issue(realm, program, about, ownerId, () => undefined)
  const operator = { id: newId(), email: 'support@example.org' }
  const acted = await identity.impersonations.start(realm, operator, { email, reason: marker })
  const passkey = newId()
  const events = await realm.transaction(async (run) => {
    await run(sql`INSERT INTO identity.passkey (id, person_id, credential_id, rp_id, public_key, counter, transports, name, created_at)
      VALUES (${passkey}, ${ownerId}, ${passkey}, ${tenant.hosts[0]}, ${Buffer.alloc(77)}, 0, '{}', ${marker}, now())`)
    return run<{ id: string }>(sql`SELECT id FROM identity.event`)
  })
  const { ids } = await seedCanary(tenant, marker)
  const own = [
    ownerId,
    other.session,
    token.id,
    program,
    issued.id,
    acted.id,
    passkey,
    events[0]?.id as string,
  ]
  return { tenant, marker, owner: kept.access, ownerId, ids: [...own, ...ids] }
}

/** Changes when any row of the tenant does. */
export async function fingerprint(tenant: Tenant, tables: readonly string[]): Promise<string> {
  const hash = createHash('sha256')
  await tenant.transaction(async (db) => {
    for (const table of tables) {
      const { rows } = await db.execute(sql.raw(`SELECT t::text AS row FROM ${table} t ORDER BY 1`))
      hash.update(JSON.stringify([table, rows]))
    }
  })
  return hash.digest('hex')
}
