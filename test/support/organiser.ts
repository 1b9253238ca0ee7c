import type { EdgeAnswer, EdgeApi } from '../../src/modules/edge/index.ts'
import { type IdentityApi, tenantRealm } from '../../src/modules/identity/index.ts'
import type { Tenant } from '../../src/modules/tenancy/index.ts'
import type { TestPlatform } from './platform.ts'

/** What somebody sends: bytes of a type, or an object as JSON. */
interface Sent {
  type?: string
  body?: Buffer | object
}

/** Asks a tenant's host as an owner who has just shown two factors. */
export async function organiserOf(
  platform: TestPlatform,
  tenant: Tenant,
): Promise<(method: string, path: string, sent?: Sent) => Promise<EdgeAnswer>> {
  const { people, sessions } = platform.api('identity') as IdentityApi
  const realm = tenantRealm(tenant)
  const person = { email: 'organiser@example.org', name: 'Organiser', role: 'owner', password: null }
  const known = { id: await people.add(realm, person), password: null }
  const { access } = await sessions.begin(realm, known, { device: 'test', factors: ['pwd', 'otp'] })
  return (method, path, { body, type = 'application/json' } = {}) =>
    (platform.api('edge') as EdgeApi).request({
      host: tenant.hosts[0] as string,
      path,
      method,
      headers: { authorization: `Bearer ${access}`, ...(body ? { 'content-type': type } : {}) },
      ...(body ? { body: Buffer.isBuffer(body) ? body : JSON.stringify(body) } : {}),
    })
}
