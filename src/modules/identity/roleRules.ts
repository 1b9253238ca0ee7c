import { sql } from 'drizzle-orm'
import type { Realm } from './realm.ts'

/** Says whether people of `role` must show a second factor; holds from their next request on. */
export async function requireSecondFactor(realm: Realm, role: string, needed: boolean): Promise<void> {
  // An update first and not an upsert: what is unique differs between a tenant's table and the operators'.
  await realm.transaction(async (run) => {
    const changed = await run(
      sql`UPDATE identity.role_rule SET second_factor = ${needed} WHERE role = ${role} RETURNING role`,
    )
    if (changed.length === 0)
      await run(
        sql`INSERT INTO identity.role_rule (role, second_factor) VALUES (${role}, ${needed}) ON CONFLICT DO NOTHING`,
      )
  })
}

/** Roles whose people must show a second factor. */
export async function rolesWithSecondFactor(realm: Realm): Promise<string[]> {
  const rows = await realm.transaction((run) =>
    run<{ role: string }>(sql`SELECT role FROM identity.role_rule WHERE second_factor`),
  )
  return rows.map(({ role }) => role)
}
