import { createHash } from 'node:crypto'
import { sql } from 'drizzle-orm'
import { type Measure, measure } from '../../../proof/measure.ts'
import { openApiTokens } from '../apiTokens.ts'
import type { MeasureParts } from '../measures.ts'
import { outcomeOf, PROBE, tokenOf, type Visitor, withProgram, withVisitors } from '../probing.ts'

const DAY = 86_400_000

/** LARA-32. Of people and of programs. */
export function apitokenHash({ people, apiTokens, serviceAccounts, canaries }: MeasureParts): Measure {
  return measure({
    key: 'auth.apitoken.hash',
    sources: ['LARA-32'],
    family: 'system-access',
    maps: { gdpr: ['32(1)(a)'], iso27001: ['A.5.17', 'A.8.5'] },
    claim: {
      de: () =>
        'API-Token von Personen und Programmen werden nur als SHA-256 gespeichert, laufen ab und sind nach dem Widerruf sofort wertlos; das eines Programms auch, sobald es eine andere Rolle bekommt oder gesperrt wird.',
      en: () =>
        'API tokens of people and programs are stored as SHA-256 only, expire, and are worth nothing once revoked; that of a program also once it gets another role or is disabled.',
    },
    async prove({ check, positiveControl, clock }) {
      const later = openApiTokens({ now: () => new Date(clock.now().getTime() + 2 * DAY) })
      await withVisitors(people, await canaries(), async (visitor, model) => {
        const { realm, id: person } = visitor
        const about = { name: 'probe', permissions: ['content.read'], life: DAY }
        const { id, token } = await apiTokens.issue(realm, person, about)
        const ask = (given: string) => outcomeOf(apiTokens.whose(realm, given))
        positiveControl(`${model}: the token`, 'taken', await ask(token))
        const hash = createHash('sha256').update(token).digest('hex')
        const row = await storedRow(visitor, id)
        check(`${model}: the stored hash is SHA-256 of the token`, true, row.hash === hash)
        positiveControl(`${model}: the hash is found in the row as text`, true, row.text.includes(hash))
        check(`${model}: the token or its secret in the row`, false, row.text.includes(token.slice(4, 44)))
        check(`${model}: the stored hash as a token`, 'sign-in-refused', await ask(hash))
        const typed = `${token.slice(0, -1)}${token.endsWith('0') ? '1' : '0'}`
        check(`${model}: a token with a typing error`, 'sign-in-refused', await ask(typed))
        check(
          `${model}: the token after it expired`,
          'sign-in-refused',
          await outcomeOf(later.whose(realm, token)),
        )
        check(`${model}: revoking it`, true, await apiTokens.revoke(realm, person, id))
        check(`${model}: the revoked token`, 'sign-in-refused', await ask(token))
        await withProgram({ people, serviceAccounts }, realm, 'reader', async (program) => {
          const change = (to: object) => serviceAccounts.change(realm, program.id, to, PROBE, () => undefined)
          positiveControl(`${model}: a program's token`, 'taken', await ask(program.token))
          await change({ role: 'editor' })
          check(
            `${model}: it, after the program got another role`,
            'sign-in-refused',
            await ask(program.token),
          )
          const next = await tokenOf(serviceAccounts, realm, program.id)
          positiveControl(`${model}: a new token for the new role`, 'taken', await ask(next))
          await change({ state: 'disabled' })
          check(`${model}: it, after the program was disabled`, 'sign-in-refused', await ask(next))
          await change({ state: 'active' })
          check(`${model}: it, after that was undone`, 'sign-in-refused', await ask(next))
        })
      })
    },
  })
}

async function storedRow({ realm }: Visitor, id: string): Promise<{ hash: string; text: string }> {
  const [row] = await realm.transaction((run) =>
    run<{ hash: string; text: string }>(
      sql`SELECT encode(hash, 'hex') AS hash, t::text AS text FROM identity.api_token t WHERE id = ${id}`,
    ),
  )
  return row ?? { hash: '', text: '' }
}
