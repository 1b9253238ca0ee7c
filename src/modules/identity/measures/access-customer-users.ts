import { newId } from '../../../kernel/ids.ts'
import { type Measure, measure } from '../../../proof/measure.ts'
import type { MeasureParts } from '../measures.ts'
import { asking, withVisitor } from '../probing.ts'
import { tenantRealm } from '../realm.ts'

/** FEST-25. Through the front door, as the customer's own administrator. */
export function accessCustomerUsers({ people, sessions, edge, canaries }: MeasureParts): Measure {
  return measure({
    key: 'access.customer.users',
    sources: ['FEST-25'],
    family: 'data-access',
    maps: { gdpr: ['32(1)(b)'], iso27001: ['A.5.16', 'A.5.18'] },
    claim: {
      de: () =>
        'Der Kunde verwaltet seine Benutzer und Programme selbst; wen er sperrt, dessen laufende Sitzung oder Token endet mit der nächsten Anfrage.',
      en: () =>
        'The customer manages its own users and programs; the running session or token of one that it disables ends with the next request.',
    },
    async prove({ check, positiveControl }) {
      for (const { model, a } of await canaries()) {
        const realm = tenantRealm(a)
        const host = a.hosts[0] as string
        await withVisitor(
          people,
          realm,
          async (owner) => {
            const ask = await asking(edge, host, people, sessions, owner)
            const email = `made-${newId()}@canary.invalid`
            const body = { email, name: 'Made', role: 'editor', password: `made ${newId()}` }
            const made = await ask('POST', '/api/v1/people', body)
            check(`${model}: the administrator adds a user`, 201, made.status)
            const id = made.status === 201 ? (JSON.parse(made.body) as { id: string }).id : ''
            if (!id) return
            try {
              const user = { realm, id, email, password: body.password }
              const asUser = await asking(edge, host, people, sessions, user)
              positiveControl(
                `${model}: the user's session`,
                200,
                (await asUser('GET', '/api/v1/auth/me')).status,
              )
              check(
                `${model}: the user adds users`,
                403,
                (await asUser('POST', '/api/v1/people', body)).status,
              )
              const path = `/api/v1/people/${id}`
              check(
                `${model}: the administrator changes the role`,
                204,
                (await ask('PATCH', path, { role: 'reader' })).status,
              )
              const again = await asking(edge, host, people, sessions, user)
              const { role } = JSON.parse((await again('GET', '/api/v1/auth/me')).body) as { role: string }
              check(`${model}: the user's role then`, 'reader', role)
              check(
                `${model}: the administrator disables the user`,
                204,
                (await ask('PATCH', path, { state: 'disabled' })).status,
              )
              check(
                `${model}: the next request of the session`,
                401,
                (await again('GET', '/api/v1/auth/me')).status,
              )
            } finally {
              await people.remove(realm, id)
            }
            const program = await ask('POST', '/api/v1/service-accounts', { name: 'Made', role: 'manager' })
            check(`${model}: the administrator adds a program`, 201, program.status)
            const account = program.status === 201 ? (JSON.parse(program.body) as { id: string }).id : ''
            if (!account) return
            try {
              const path = `/api/v1/service-accounts/${account}`
              const about = { name: 'probe', permissions: ['people.read'], days: 1 }
              const given = await ask('POST', `${path}/tokens`, about)
              const { token = '' } = JSON.parse(given.body) as { token?: string }
              const asProgram = async (method: string) =>
                (
                  await edge.request({
                    host,
                    method,
                    path: '/api/v1/service-accounts',
                    headers: { authorization: `Bearer ${token}` },
                  })
                ).status
              positiveControl(`${model}: the program, by its token`, 200, await asProgram('GET'))
              check(`${model}: the program adds programs`, 403, await asProgram('POST'))
              const disabled = await ask('PATCH', path, { state: 'disabled' })
              check(`${model}: the administrator disables the program`, 204, disabled.status)
              check(`${model}: the next request of the program`, 401, await asProgram('GET'))
            } finally {
              await people.remove(realm, account)
            }
          },
          { role: 'owner' },
        )
      }
    },
  })
}
