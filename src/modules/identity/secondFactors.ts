import { randomBytes } from 'node:crypto'
import { sql } from 'drizzle-orm'
import type { Clock } from '../../kernel/clock.ts'
import { defineProblem } from '../../kernel/problems.ts'
import { admitEnrolment, dropIdleRecoveryCodes, type RecoveryCodes } from './enrolment.ts'
import { recordEvent } from './events.ts'
import type { Realm, Run } from './realm.ts'
import { seal, unseal } from './seal.ts'
import { matchingStep } from './totp.ts'

const wrongCode = defineProblem({ code: 'code-refused', status: 403, title: 'This code is not good' })
const tooMany = defineProblem({ code: 'too-many-codes', status: 429, title: 'Too many wrong codes' })
const enrolled = defineProblem({
  code: 'already-enrolled',
  status: 409,
  title: 'There is a second factor already',
})

/** How many wrong codes in a row, and how long (ms) until the next is looked at. */
const MOST_FAILURES = 5
const PAUSE = 300_000

/** TOTP and recovery codes of people. */
export interface SecondFactors {
  /**
   * Begins enrolment: the secret to put into an authenticator app. `shown` factors are known of the session. Throws
   * `already-enrolled` (409), or `second-factor-needed` (403) when there is another second factor to show first.
   */
  enrol(realm: Realm, personId: string, shown: number): Promise<Buffer>
  /**
   * Ends it by a first code; with the first second factor come recovery codes, shown this once. Throws `code-refused`
   * (403) and what `enrol` throws.
   */
  confirm(realm: Realm, personId: string, code: string, shown: number): Promise<string[] | null>
  /**
   * Takes a code of the app or a recovery code, each once. Says which it was (`otp` is of RFC 8176). Throws
   * `code-refused` (403), or `too-many-codes` (429) after five wrong ones of the app.
   */
  verify(realm: Realm, personId: string, code: string): Promise<'otp' | 'rec'>
  /** Takes the app away; other second factors stay. */
  remove(realm: Realm, personId: string): Promise<void>
}

interface Row {
  sealed_secret: Buffer
  confirmed: boolean
  last_step: string
  failures: number
  failed: string | null
}

export function openSecondFactors(key: Uint8Array, recovery: RecoveryCodes, clock: Clock): SecondFactors {
  /** A refusal is an answer and not an exception: the count of failures must be committed. */
  const attempt = async <T>(realm: Realm, work: (run: Run) => Promise<T | undefined>): Promise<T> => {
    const result = await realm.transaction(work)
    if (result === undefined) throw wrongCode('Wait for the next code and try again.')
    return result
  }
  const matched = (row: Row, personId: string, code: string) =>
    matchingStep(unseal(row.sealed_secret, key, `totp ${personId}`), code, clock.now(), Number(row.last_step))

  return {
    enrol: (realm, personId, shown) =>
      realm.transaction(async (run) => {
        await admitEnrolment(run, personId, shown)
        const secret = randomBytes(20)
        const sealed = seal(secret, key, `totp ${personId}`)
        const [row] = await held(run, personId)
        if (row?.confirmed) throw enrolled('Remove it first.')
        await run(sql`DELETE FROM identity.totp WHERE person_id = ${personId}`)
        await run(sql`INSERT INTO identity.totp (person_id, sealed_secret) VALUES (${personId}, ${sealed})`)
        return secret
      }),
    confirm: (realm, personId, code, shown) =>
      attempt(realm, async (run) => {
        await admitEnrolment(run, personId, shown)
        const [row] = await held(run, personId)
        if (row?.confirmed) throw enrolled('Remove it first.')
        const step = row && matched(row, personId, code)
        if (step === undefined) return undefined
        await run(sql`UPDATE identity.totp SET confirmed_at = ${clock.now().toISOString()}, last_step = ${step}
          WHERE person_id = ${personId}`)
        await recordEvent(run, clock.now(), 'second-factor-added', personId)
        return recovery.makeFirst(run, personId)
      }),
    verify: (realm, personId, code) =>
      attempt(realm, async (run) => {
        if (await recovery.use(run, personId, code)) return 'rec'
        const [row] = await held(run, personId)
        if (!row?.confirmed) return undefined
        if (row.failures >= MOST_FAILURES && clock.now().getTime() - Number(row.failed) < PAUSE)
          throw tooMany('Wait five minutes.', { extensions: { retryAfter: PAUSE / 1000 } })
        const step = matched(row, personId, code)
        if (step !== undefined) {
          await run(
            sql`UPDATE identity.totp SET last_step = ${step}, failures = 0 WHERE person_id = ${personId}`,
          )
          return 'otp'
        }
        await run(sql`UPDATE identity.totp SET failures = failures + 1, failed_at = ${clock.now().toISOString()}
          WHERE person_id = ${personId}`)
        return undefined
      }),
    remove: (realm, personId) =>
      realm.transaction(async (run) => {
        await run(sql`DELETE FROM identity.totp WHERE person_id = ${personId}`)
        await dropIdleRecoveryCodes(run, personId)
        await recordEvent(run, clock.now(), 'second-factor-removed', personId)
      }),
  }
}

/** The row, held until the transaction ends, so that two uses of one code are decided one after the other. */
function held(run: Run, personId: string): Promise<Row[]> {
  return run<Row>(sql`SELECT sealed_secret, confirmed_at IS NOT NULL AS confirmed, last_step, failures,
      (extract(epoch FROM failed_at) * 1000)::bigint AS failed
    FROM identity.totp WHERE person_id = ${personId} FOR UPDATE`)
}
