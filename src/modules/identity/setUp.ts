import { createHash, timingSafeEqual } from 'node:crypto'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { sql } from 'drizzle-orm'
import { keepSecret } from '../../data/secrets.ts'
import type { Clock } from '../../kernel/clock.ts'
import { newId } from '../../kernel/ids.ts'
import { defineProblem } from '../../kernel/problems.ts'
import { recordEvent } from './events.ts'
import type { Passwords } from './passwords.ts'
import type { Realm, Run } from './realm.ts'

const closed = defineProblem({ code: 'set-up-closed', status: 409, title: 'The set-up is done' })
const refused = defineProblem({ code: 'set-up-refused', status: 403, title: 'This link does not set up' })

/** The first operator, as they describe themselves. */
interface FirstOperator {
  email: string
  name: string
  password: string
}

/** How a new deployment gets its first operator: by a link that only who started it can see, once. */
export interface SetUp {
  /**
   * The token of the link while there has never been an operator; made when there is none. Null afterwards, and then no
   * token is left lying about.
   */
  offer(): Promise<string | null>
  isOpen(): Promise<boolean>
  /** Throws `set-up-closed` (409), or `set-up-refused` (403) for a token that is not the link's. */
  check(token: string): Promise<void>
  /** Makes the first operator and closes the set-up, both or neither. Throws what `check` and `passwords.judge` throw. */
  use(token: string, first: FirstOperator): Promise<void>
}

/** What the set-up is made of. */
export interface SetUpParts {
  operators: Realm
  /** The folder of secret files. */
  secrets: string
  passwords: Passwords
  clock: Clock
}

const TOKEN = 'set-up-token'

/** The address of the page that takes a set-up link; the token stands where no server sees it. */
export const setUpLink = (origin: string, token: string): string => `${origin}/office/set-up#${token}`

export function openSetUp({ operators, secrets, passwords, clock }: SetUpParts): SetUp {
  const check = (token: string) => operators.transaction((run) => admit(run, token))
  return {
    offer: () => offerSetUp(operators, secrets),
    isOpen: () =>
      operators.transaction(async (run) => (await run(sql`${OFFERED} WHERE closed_at IS NULL`)).length > 0),
    check,
    async use(token, { email, name, password }) {
      await check(token)
      await passwords.judge(password, { words: [email, name], secondFactor: false })
      const hash = await passwords.hash(password)
      await operators.transaction(async (run) => {
        await admit(run, token)
        const id = newId()
        await run(sql`INSERT INTO identity.person (id, email, name, role, password, created_at)
          VALUES (${id}, ${email.toLowerCase()}, ${name}, 'admin', ${hash}, ${clock.now().toISOString()})`)
        await recordEvent(run, clock.now(), 'set-up', id)
        const [row] = await run<Offered>(OFFERED)
        if (row?.hash) throw refused('This address belongs to the probes; use another.')
      })
      forget(secrets)
    },
  }
}

/**
 * See `SetUp.offer`. File before row: killed in between, the next start offers what stands in the file. The database
 * keeps only a hash, so that it alone opens nothing.
 */
export async function offerSetUp(operators: Realm, secrets: string): Promise<string | null> {
  const [row] = await operators.transaction((run) => run<Offered>(OFFERED))
  if (!row || row.hash) {
    const token = keepSecret(secrets, TOKEN)
    const offered = await operators.transaction((run) =>
      run(sql`INSERT INTO identity.set_up AS s (token_hash) VALUES (${hashOf(token)})
        ON CONFLICT (one) DO UPDATE SET token_hash = excluded.token_hash WHERE s.closed_at IS NULL RETURNING one`),
    )
    if (offered.length > 0) return token
  }
  forget(secrets)
  return null
}

interface Offered {
  hash: Buffer | null
}

const OFFERED = sql`SELECT token_hash AS hash FROM identity.set_up`

/** Held until the transaction ends: of two who set up at once, the second finds it closed. */
async function admit(run: Run, token: string): Promise<void> {
  const [row] = await run<Offered>(sql`${OFFERED} FOR UPDATE`)
  if (!row?.hash) throw closed('There is an operator already: sign in, or ask one for an invitation.')
  if (!timingSafeEqual(hashOf(token), row.hash))
    throw refused('Open the newest link: `surety operator set-up-link` prints it.')
}

const hashOf = (token: string): Buffer => createHash('sha256').update(token).digest()

/** A link that is spent; when this is lost, the next start does it. */
const forget = (secrets: string): void => rmSync(join(secrets, TOKEN), { force: true })
