import { createHmac, randomBytes } from 'node:crypto'
import { sql } from 'drizzle-orm'
import { secondFactorNeeded } from './person.ts'
import type { Run } from './realm.ts'
import { base32 } from './totp.ts'

const RECOVERY_CODES = 10

/** SQL: whether the person `id` has a second factor. */
export const hasSecondFactor = (id: ReturnType<typeof sql>) =>
  sql`(EXISTS (SELECT FROM identity.totp t WHERE t.person_id = ${id} AND t.confirmed_at IS NOT NULL)
    OR EXISTS (SELECT FROM identity.passkey k WHERE k.person_id = ${id}))`

/**
 * Holds the person's row and throws a Problem `second-factor-needed` (403) when a session that showed `shown` factors
 * may not add another: who has a second factor must show it first, else a stolen password would be enough to add one.
 */
export async function admitEnrolment(run: Run, personId: string, shown: number): Promise<void> {
  await run(sql`SELECT id FROM identity.person WHERE id = ${personId} FOR UPDATE`)
  const [row] = await run<{ has: boolean }>(sql`SELECT ${hasSecondFactor(sql`${personId}::uuid`)} AS has`)
  if (row?.has && shown < 2) throw secondFactorNeeded('Show the second factor that you have first.')
}

/** Codes for the day on which the device is lost. Only a MAC of each is kept (ASVS 6.5.2 wants 112 bits for that). */
export interface RecoveryCodes {
  /** New ones instead of those before; shown this once. */
  make(run: Run, personId: string): Promise<string[]>
  /** As `make`, for somebody who has none; else null. */
  makeFirst(run: Run, personId: string): Promise<string[] | null>
  /** Whether it was one of them; it is spent now. 120 random bits: nobody guesses one, so failures are not counted. */
  use(run: Run, personId: string, code: string): Promise<boolean>
}

export function openRecoveryCodes(key: Uint8Array): RecoveryCodes {
  const macOf = (personId: string, code: string) =>
    createHmac('sha256', key)
      .update(`recovery\n${personId}\n${code.toUpperCase().replaceAll(/[\s-]/g, '')}`)
      .digest()
  const make = async (run: Run, personId: string) => {
    await run(sql`DELETE FROM identity.recovery_code WHERE person_id = ${personId}`)
    const codes = Array.from({ length: RECOVERY_CODES }, () =>
      base32(randomBytes(15)).replace(/(.{4})(?=.)/g, '$1-'),
    )
    for (const code of codes)
      await run(
        sql`INSERT INTO identity.recovery_code (person_id, mac) VALUES (${personId}, ${macOf(personId, code)})`,
      )
    return codes
  }
  return {
    make,
    async makeFirst(run, personId) {
      const held = await run(
        sql`SELECT 1 AS one FROM identity.recovery_code WHERE person_id = ${personId} LIMIT 1`,
      )
      return held.length > 0 ? null : make(run, personId)
    },
    async use(run, personId, code) {
      const used = await run(sql`DELETE FROM identity.recovery_code
        WHERE person_id = ${personId} AND mac = ${macOf(personId, code)} RETURNING mac`)
      return used.length > 0
    },
  }
}

/** When the last second factor is gone, its recovery codes are good for nothing. */
export async function dropIdleRecoveryCodes(run: Run, personId: string): Promise<void> {
  await run(sql`DELETE FROM identity.recovery_code
    WHERE person_id = ${personId} AND NOT ${hasSecondFactor(sql`${personId}::uuid`)}`)
}
