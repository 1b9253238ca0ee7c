import { type Measure, measure } from '../../../proof/measure.ts'
import type { MeasureParts } from '../measures.ts'
import { asking, codeOfProblem, withProgram, withVisitor } from '../probing.ts'
import { tenantRealm } from '../realm.ts'
import { requireSecondFactor, rolesWithSecondFactor } from '../roleRules.ts'
import { stepOf, totpCode } from '../totp.ts'

const SWITCHED = 'editor'
const OTHER = 'reader'
const PATH = '/api/v1/auth/sessions'

/** FEST-26. In the canaries: switched on for one role, and back. */
export function accessRole2fa(given: MeasureParts): Measure {
  const { people, sessions, secondFactors, edge, canaries } = given
  return measure({
    key: 'access.role.2fa',
    sources: ['FEST-26'],
    family: 'system-access',
    maps: { gdpr: ['32(1)(b)'], iso27001: ['A.5.17', 'A.8.5'] },
    claim: {
      de: () => 'Der zweite Faktor ist je Rolle zuschaltbar; wer die Rolle hat, kommt ohne ihn nicht weiter.',
      en: () =>
        'The second factor can be switched on per role; whoever has the role gets no further without it.',
    },
    async prove({ check, positiveControl, clock }) {
      for (const { model, a } of await canaries()) {
        const realm = tenantRealm(a)
        const host = a.hosts[0] as string
        const before = await rolesWithSecondFactor(realm)
        await withVisitor(
          people,
          realm,
          async (switched) => {
            await withVisitor(
              people,
              realm,
              async (other) => {
                const ask = await asking(edge, host, people, sessions, switched)
                const asOther = await asking(edge, host, people, sessions, other)
                const answer = async () => codeOfProblem(await ask('GET', PATH))
                await requireSecondFactor(realm, SWITCHED, false)
                positiveControl(`${model}: ${SWITCHED}, switched off`, '200', await answer())
                try {
                  await requireSecondFactor(realm, SWITCHED, true)
                  check(
                    `${model}: ${SWITCHED}, switched on, password only`,
                    'second-factor-needed',
                    await answer(),
                  )
                  check(`${model}: ${OTHER}, password only`, '200', codeOfProblem(await asOther('GET', PATH)))
                  await withProgram(given, realm, SWITCHED, async ({ token }) => {
                    const headers = { authorization: `Bearer ${token}` }
                    const asked = await edge.request({ host, path: '/api/v1/people', headers })
                    check(
                      `${model}: a program with the role ${SWITCHED}, asked for its rights and for no second factor`,
                      'forbidden',
                      codeOfProblem(asked),
                    )
                  })
                  const secret = await secondFactors.enrol(realm, switched.id, 1)
                  const code = totpCode(secret, stepOf(clock.now()))
                  const confirm = await ask('POST', '/api/v1/auth/totp/confirm', { code })
                  check(`${model}: ${SWITCHED} enrols`, 200, confirm.status)
                  const full = await asking(edge, host, people, sessions, switched, ['pwd', 'otp'])
                  check(
                    `${model}: ${SWITCHED} with both factors`,
                    '200',
                    codeOfProblem(await full('GET', PATH)),
                  )
                  const used = await asking(edge, host, people, sessions, switched)
                  const again = await used('POST', '/api/v1/auth/second-factor', { code })
                  check(`${model}: the same code a second time`, 'code-refused', codeOfProblem(again))
                } finally {
                  await requireSecondFactor(realm, SWITCHED, before.includes(SWITCHED))
                }
              },
              { role: OTHER },
            )
          },
          { role: SWITCHED },
        )
      }
    },
  })
}
