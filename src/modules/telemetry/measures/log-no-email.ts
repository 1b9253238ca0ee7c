import { type Measure, measure } from '../../../proof/measure.ts'
import type { EdgeApi } from '../../edge/index.ts'
import type { Tenant } from '../../tenancy/index.ts'
import { factsThatLeak, makeCanaries, seenIn } from '../canaries.ts'
import type { MeasureParts } from '../measures.ts'
import { readAll, writtenBare } from '../scratchLog.ts'
import { sentAsTraces, unlooked } from '../scratchTraces.ts'
import { lookedAt } from '../startTracing.ts'

/** CAST-06. Files of processes on other machines are not read from here; then the answers' lines are missing and it says so. */
export function logNoEmail({ parts, settings, edge, tenancy, log }: MeasureParts): Measure {
  return measure({
    key: 'log.no-email',
    sources: ['CAST-06'],
    family: 'data-access',
    maps: { gdpr: ['5(1)(c)', '25(1)'], iso27001: ['A.8.11', 'A.8.15'] },
    settings: { traces: settings.tracesUrl !== undefined },
    claim: {
      de: ({ traces }) =>
        traces
          ? 'Protokolle und Traces nennen die Kennung des Mandanten und höchstens ein Pseudonym der Person, nie eine E-Mail-Adresse.'
          : 'Protokolle nennen die Kennung des Mandanten und ein Pseudonym der Person, nie eine E-Mail-Adresse.',
      en: ({ traces }) =>
        traces
          ? "Logs and traces name the tenant's id and at most a pseudonym of the person, never an e-mail address."
          : "Logs name the tenant's id and a pseudonym of the person, never an e-mail address.",
    },
    async prove({ check, positiveControl, notObservable, settings: { traces } }) {
      const canaries = makeCanaries()
      const requestIds: string[] = []
      const tenantIds: string[] = []
      for (const { a } of await tenancy.canaries.open()) {
        tenantIds.push(a.id)
        requestIds.push(...(await drive(edge, a, canaries.mail)))
      }
      log.info(
        { canary: true, err: new Error(`no mail for ${canaries.mail}`), to: { email: canaries.mail } },
        'canary',
      )
      const kept = await settled(() => {
        parts.files.flush()
        return readAll(parts.files.folder)
      }, requestIds)
      const found = requestIds.filter((id) => kept.includes(id))
      if (found.length === 0)
        notObservable('LOGS_ELSEWHERE', 'The process that answers writes its files on another machine.')
      positiveControl('requests of this probe whose lines were found', requestIds.length, found.length)
      check('the address they brought, in any log file', [], seenIn(kept, canaries))
      const named = tenantIds.filter((id) => !kept.includes(`"tenantId":"${id}"`))
      check('tenants of theirs that no line names by id', [], named)
      const bare = writtenBare((open) => open.info({ to: { email: canaries.mail } }))
      positiveControl('the same search in a log without redaction', ['mail'], seenIn(bare, canaries))
      if (!traces) return
      const mailIn = async (look: typeof unlooked) =>
        seenIn(await sentAsTraces(factsThatLeak(canaries), look), canaries).filter((kind) => kind === 'mail')
      check('an address in what leaves as traces', [], await mailIn(lookedAt(parts.guard)))
      positiveControl('the same search in traces without redaction', ['mail'], await mailIn(unlooked))
    },
  })
}

/** Brings `mail` in wherever a visitor can; gives the ids of the requests. */
async function drive(edge: EdgeApi, { hosts: [host = ''] }: Tenant, mail: string): Promise<string[]> {
  const path = '/api/v1/auth/sign-in'
  const headers = { 'content-type': 'application/json', referer: `https://x.invalid/?mail=${mail}` }
  const answers = [
    await edge.request({
      host,
      path,
      method: 'POST',
      headers,
      body: JSON.stringify({ email: mail, password: 'wrong-password' }),
    }),
    await edge.request({ host, path, method: 'POST', headers, body: `{"email":"${mail}` }),
    await edge.request({ host, path: `/api/v1/nobody/${mail}?email=${encodeURIComponent(mail)}`, headers }),
    await edge.request({
      host,
      path: `/${mail}`,
      headers: { ...headers, cookie: `who=${mail}`, authorization: `Bearer ${mail}` },
    }),
  ]
  return answers.map(({ headers: answered }) => String(answered['x-request-id']))
}

/** Lines are written after the answer was sent, and from time to time. */
async function settled(read: () => string, ids: readonly string[]): Promise<string> {
  for (let tries = 0; tries < 40; tries += 1) {
    const text = read()
    if (ids.every((id) => text.includes(id))) return text
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return read()
}
