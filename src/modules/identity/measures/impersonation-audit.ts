import { type Measure, measure } from '../../../proof/measure.ts'
import type { IdentityEvent } from '../events.ts'
import type { MeasureParts } from '../measures.ts'
import { asking, withVisitor } from '../probing.ts'
import { tenantRealm } from '../realm.ts'

const REASON = 'a probe of this measure'

/** PREZ-24. Through the front door: an operator acts, the tenant's owner looks. */
export function impersonationAudit({
  people,
  sessions,
  impersonations,
  operators,
  edge,
  canaries,
}: MeasureParts): Measure {
  return measure({
    key: 'impersonation.audit',
    sources: ['PREZ-24'],
    family: 'input',
    maps: { gdpr: ['5(2)', '32(1)(b)'], iso27001: ['A.8.2', 'A.8.15'] },
    claim: {
      de: () =>
        'Jeder Zugriff im Namen eines Benutzers wird mit beiden Identitäten und Grund protokolliert, und der Kunde sieht ihn.',
      en: () =>
        'Every act in the name of a user is logged with both identities and a reason, and the customer sees it.',
    },
    async prove({ check, positiveControl }) {
      for (const { model, a } of await canaries()) {
        const realm = tenantRealm(a)
        const host = a.hosts[0] as string
        await withVisitor(
          people,
          operators,
          async (operator) => {
            await withVisitor(
              people,
              realm,
              async (owner) => {
                const actor = { id: operator.id, email: operator.email }
                const { id, token } = await impersonations.start(realm, actor, {
                  email: owner.email,
                  reason: REASON,
                })
                const headers = { authorization: `Bearer ${token}` }
                const act = async (method: string, path: string) =>
                  (await edge.request({ host, method, path, headers })).status
                positiveControl(
                  `${model}: the operator acts in the owner's name`,
                  200,
                  await act('GET', '/api/v1/people'),
                )
                check(
                  `${model}: the operator makes an API token in that name`,
                  403,
                  await act('POST', '/api/v1/auth/tokens'),
                )
                check(
                  `${model}: the operator adds a person in that name`,
                  403,
                  await act('POST', '/api/v1/people'),
                )
                await impersonations.end(realm, id)
                const look = await asking(edge, host, people, sessions, owner)
                const lines = JSON.parse((await look('GET', '/api/v1/impersonations')).body) as {
                  id: string
                  operator: string
                  personId: string
                  reason: string
                }[]
                const line = lines.find((one) => one.id === id)
                check(
                  `${model}: who, as whom and why, as the tenant sees it`,
                  [operator.email, owner.id, REASON],
                  [line?.operator, line?.personId, line?.reason],
                )
                const events = JSON.parse(
                  (await look('GET', `/api/v1/impersonations/${id}/events`)).body,
                ) as IdentityEvent[]
                const seen = events.map(({ kind }) => kind).toSorted()
                check(`${model}: what the tenant sees of it`, EVENTS, seen)
                const acts = events.filter(({ kind }) => kind === 'impersonated-act')
                const named = acts.filter(
                  ({ personId, details }) =>
                    personId === owner.id &&
                    (details.operator as { id?: string } | undefined)?.id === operator.id &&
                    details.what === 'GET /api/v1/people',
                )
                check(`${model}: acts that name both and what was done`, 1, named.length)
              },
              { role: 'owner' },
            )
          },
          { role: 'support' },
        )
      }
    },
  })
}

const EVENTS = ['impersonated-act', 'impersonation-ended', 'impersonation-started']
