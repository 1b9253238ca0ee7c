import { newId } from '../../../kernel/ids.ts'
import { type Measure, measure } from '../../../proof/measure.ts'
import type { EdgeAnswer, EdgeApi } from '../../edge/index.ts'
import { type IdentityApi, memberRoles, tenantRealm } from '../../identity/index.ts'
import type { TenancyApi, Tenant } from '../../tenancy/index.ts'
import type { Credentials } from '../credentials.ts'
import { apnsCredential } from '../peerKeys.ts'

interface Parts {
  credentials: Credentials
  identity: IdentityApi
  edge: EdgeApi
  canaries: TenancyApi['canaries']['find']
}

const LIST = '/api/v1/push/credentials'
const REVEAL = `${LIST}/apns/reveal`
const PASSWORD = ['pwd']
const BOTH = ['pwd', 'otp']

type Ask = (method: string, path: string, body?: object) => Promise<EdgeAnswer>

/** FEST-28. Through the front door, by people of every role. */
export function pushCredentialsVisibility({ credentials, identity, edge, canaries }: Parts): Measure {
  return measure({
    key: 'push.credentials.visibility',
    sources: ['FEST-28'],
    family: 'data-access',
    maps: { gdpr: ['32(1)(b)'], iso27001: ['A.5.15', 'A.8.3'] },
    claim: {
      de: () =>
        'Zugangsdaten für Push sieht nur, wer beim selben Mandanten Administrator ist, und den Schlüssel darin nur mit zweitem Faktor und einer Begründung, die im Protokoll steht.',
      en: () =>
        'Credentials for push are seen only by admins of the same tenant, and the key in them only with a second factor and a reason that stands in the trail.',
    },
    async prove({ check, positiveControl }) {
      for (const { model, a, b } of await canaries()) {
        const { given } = apnsCredential()
        const secret = given.privateKey.split('\n')[1] as string
        const host = a.hosts[0] as string
        const reason = `probe ${newId()}`
        await credentials.keepApns(a, given)
        try {
          const anonymous: Ask = (method, path, body) => ask(edge, host, undefined, method, path, body)
          check(`${model}: the list, asked by nobody`, 401, (await anonymous('GET', LIST)).status)
          for (const role of memberRoles.filter((role) => role !== 'owner'))
            await as({ identity, edge, host }, a, role, BOTH, async (someone) => {
              check(`${model}: the list, asked by a ${role}`, 403, (await someone('GET', LIST)).status)
              const shown = await someone('POST', REVEAL, { reason })
              check(`${model}: the key, asked by a ${role}`, 403, shown.status)
            })
          await as({ identity, edge, host }, b, 'owner', BOTH, async (stranger) => {
            check(
              `${model}: the list, asked by another tenant's admin`,
              401,
              (await stranger('GET', LIST)).status,
            )
          })
          await as({ identity, edge, host }, a, 'owner', PASSWORD, async (admin) => {
            const list = await admin('GET', LIST)
            positiveControl(
              `${model}: an admin sees which key there is`,
              true,
              list.body.includes(given.keyId),
            )
            check(`${model}: the list shows the key itself`, false, list.body.includes(secret))
            const shown = await admin('POST', REVEAL, { reason })
            check(`${model}: the key, asked by an admin without a second factor`, 403, shown.status)
          })
          await as({ identity, edge, host }, a, 'owner', BOTH, async (admin) => {
            const silent = await admin('POST', REVEAL, { reason: '' })
            check(`${model}: the key, asked without a reason`, 400, silent.status)
            check(`${model}: entries in the trail before it was shown`, 0, await entries(admin, reason))
            const shown = await admin('POST', REVEAL, { reason })
            positiveControl(`${model}: an admin with both factors sees it`, true, shown.body.includes(secret))
            check(`${model}: entries in the trail once it was shown`, 1, await entries(admin, reason))
          })
        } finally {
          await credentials.remove(a, 'apns')
        }
      }
    },
  })
}

async function entries(admin: Ask, reason: string): Promise<number> {
  const { body } = await admin('GET', '/api/v1/audit?act=push.reveal&limit=200')
  return body.split(reason).length - 1
}

/** Somebody of `tenant` with that role, for as long as `work` takes, asking at `host`. */
async function as(
  { identity, edge, host }: { identity: IdentityApi; edge: EdgeApi; host: string },
  tenant: Tenant,
  role: string,
  factors: string[],
  work: (ask: Ask) => Promise<void>,
): Promise<void> {
  const { people, sessions } = identity
  const realm = tenantRealm(tenant)
  const email = `visitor-${newId()}@canary.invalid`
  const id = await people.add(realm, { email, name: 'Visitor', role, password: null })
  try {
    const { access } = await sessions.begin(realm, { id, password: null }, { device: 'probe', factors })
    await work((method, path, body) => ask(edge, host, access, method, path, body))
  } finally {
    await people.remove(realm, id)
  }
}

function ask(
  edge: EdgeApi,
  host: string,
  access: string | undefined,
  method: string,
  path: string,
  body?: object,
): Promise<EdgeAnswer> {
  const headers = {
    ...(access ? { authorization: `Bearer ${access}` } : {}),
    ...(body ? { 'content-type': 'application/json' } : {}),
  }
  return edge.request({ host, method, path, headers, ...(body ? { body: JSON.stringify(body) } : {}) })
}
