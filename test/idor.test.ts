import assert from 'node:assert/strict'
import { after, before, describe, it, type TestContext } from 'node:test'
import { sql } from 'drizzle-orm'
import { festival } from '../examples/festival/index.ts'
import { platformModules } from '../src/cli/platform.ts'
import { newId } from '../src/kernel/ids.ts'
import { fillPath, type Operation, readOperations } from '../src/modules/api/index.ts'
import type { EdgeApi } from '../src/modules/edge/index.ts'
import {
  type IdentityApi,
  memberRoles,
  operatorRoles,
  type Realm,
  tenantRealm,
} from '../src/modules/identity/index.ts'
import type { Tenant } from '../src/modules/tenancy/index.ts'
import { type TestPlatform, testPlatform } from './support/platform.ts'
import { fingerprint, makeVictim, type Victim } from './support/victim.ts'

type Schema = Operation['body']

/** Somebody who asks for what is not theirs. */
interface Caller {
  what: string
  /** A bearer token; undefined for who is not signed in. */
  token?: string
}

/**
 * Every route of the OpenAPI documents × every role × every tenant: each identifier of the victim's wherever a route
 * takes one, and each caller's token at hosts that are not theirs.
 */
describe('asking for what belongs to others', () => {
  let platform: TestPlatform
  let tables: string[]
  const total = { attempts: 0, succeeded: 0 }
  before(async () => {
    platform = await testPlatform([...platformModules, festival])
    await platform.serve()
    tables = await platform.tenancy.tables()
  })
  after(async () => {
    await platform?.stop()
    console.log(`${total.attempts} requests for what belongs to others, ${total.succeeded} succeeded`)
  })
  const api = () => platform.api('identity') as IdentityApi
  const doors = () => platform.api('edge') as EdgeApi

  async function send(
    host: string,
    { method, path }: Operation,
    { token }: Caller,
    id: string,
    body?: unknown,
  ) {
    return doors().request({
      host,
      method,
      kept: true,
      path: fillPath(path, () => id),
      headers: {
        ...(token ? { authorization: `Bearer ${token}` } : {}),
        ...(body ? { 'content-type': 'application/json' } : {}),
      },
      ...(body ? { body: JSON.stringify(body) } : {}),
    })
  }

  /** Somebody new in each role, and a program of `programRole` with all rights of that. */
  async function callersIn(tenant: Tenant, programRole = 'owner'): Promise<Caller[]> {
    const realm = tenantRealm(tenant)
    const callers: Caller[] = [{ what: 'a stranger' }]
    for (const role of memberRoles) {
      const id = await add(tenant, role)
      const known = { id, password: null }
      const begun = await api().sessions.begin(realm, known, { device: 'd', factors: ['pwd', 'otp'] })
      callers.push({ what: role, token: begun.access })
      if (role !== 'owner') continue
      const about = { name: 'all', permissions: ['*.*'], life: 3_600_000 }
      const { token } = await api().apiTokens.issue(realm, id, about)
      callers.push({ what: 'owner, by token', token })
    }
    callers.push({ what: `a program, ${programRole}`, token: await programOf(realm, programRole) })
    const email = `${newId()}@example.org`
    await api().people.add(realm, { email, name: 'N', role: 'owner', password: null })
    const operator = await api().people.add(api().operators, {
      email,
      name: 'O',
      role: 'admin',
      password: null,
    })
    const acting = await api().impersonations.start(
      realm,
      { id: operator, email },
      { email, reason: 'to try what it opens' },
    )
    callers.push({ what: 'an operator as owner', token: acting.token })
    return callers
  }
  async function programOf(realm: Realm, role: string): Promise<string> {
    const { serviceAccounts } = api()
    const id = await serviceAccounts.add(realm, { name: 'P', role }, 'test')
    const about = { name: 'all', permissions: ['*.*'], life: 3_600_000 }
    return (await serviceAccounts.issue(realm, id, about, 'test', () => undefined)).token
  }
  const add = (tenant: Tenant, role: string) =>
    api().people.add(tenantRealm(tenant), {
      email: `${newId()}@example.org`,
      name: 'N',
      role,
      password: null,
    })

  /** Sends every operation that takes an identifier with each of the victim's; says which showed something of theirs. */
  async function sweep(host: string, callers: readonly Caller[], { ids, marker }: Victim): Promise<string[]> {
    const shown: string[] = []
    for (const operation of await readOperations(doors(), host)) {
      if (!operation.path.includes('{') && !JSON.stringify(operation.body ?? {}).includes('uuid')) {
        if (operation.method !== 'GET') continue // names nothing, so it concerns the caller alone
      }
      const tried = operation.path.includes('{') || operation.body ? ids : [newId()]
      for (const id of tried) {
        const ask = async (caller: Caller) => {
          const { body } = await send(host, operation, caller, id, filled(operation.body, id))
          total.attempts += 1
          if (body.includes(marker)) shown.push(`${caller.what}: ${operation.method} ${operation.path}`)
        }
        await Promise.all(callers.map(ask))
      }
    }
    return [...new Set(shown)]
  }

  function report(context: TestContext, before: number, succeeded: readonly string[]): void {
    total.succeeded += succeeded.length
    context.diagnostic(`${total.attempts - before} requests, ${succeeded.length} succeeded`)
    assert.deepEqual(succeeded, [])
  }

  for (const model of ['rows', 'database'] as const) {
    for (const victimModel of ['rows', 'database'] as const) {
      it(`${model} against ${victimModel}: no identifier of another tenant opens anything`, async (context) => {
        const [attacker, other] = [await platform.makeTenant(model), await platform.makeTenant(victimModel)]
        const victim = await makeVictim(api(), other)
        const start = total.attempts
        const untouched = await fingerprint(other, tables)
        const shown = await sweep(attacker.hosts[0] as string, await callersIn(attacker), victim)
        const changed = (await fingerprint(other, tables)) === untouched ? [] : ['rows of the victim changed']
        report(context, start, [...shown, ...changed])
        // The same requests by the owner, at the owner's host, do what they say: the sweep would see it.
        const owner = { what: 'owner', token: victim.owner }
        const own = await sweep(other.hosts[0] as string, [owner], victim)
        assert.ok(own.length > 5, own.join('; '))
        assert.notEqual(await fingerprint(other, tables), untouched)
      })
    }

    it(`${model}: nobody's token is good at a host that is not theirs`, async (context) => {
      const start = total.attempts
      const [here, there] = [await platform.makeTenant(model), await platform.makeTenant(model)]
      const operators: Caller[] = []
      for (const role of operatorRoles) {
        const email = `${newId()}@example.org`
        const id = await api().people.add(api().operators, { email, name: 'O', role, password: null })
        const begun = await api().sessions.begin(
          api().operators,
          { id, password: null },
          { device: 'd', factors: ['pwd', 'otp'] },
        )
        operators.push({ what: `operator, ${role}`, token: begun.access })
      }
      operators.push({ what: 'a program of the operators', token: await programOf(api().operators, 'admin') })
      const members = await callersIn(here)
      const passed: string[] = []
      const { adminHost } = doors()
      for (const [host, callers] of [
        [there.hosts[0] as string, [...members, ...operators]],
        [adminHost, members],
      ] as const)
        for (const operation of (await readOperations(doors(), host)).filter(({ guarded }) => guarded)) {
          const ask = async (caller: Caller) => {
            const id = newId()
            const { status } = await send(host, operation, caller, id, filled(operation.body, id))
            total.attempts += 1
            if (status !== 401)
              passed.push(`${caller.what} at ${host}: ${operation.method} ${operation.path}: ${status}`)
          }
          await Promise.all(callers.map(ask))
        }
      report(context, start, passed)
    })

    it(`${model}: nobody reaches a colleague's sessions, tokens, passkeys or role, nor a better role`, async (context) => {
      const tenant = await platform.makeTenant(model)
      const victim = await makeVictim(api(), tenant)
      const below = (await callersIn(tenant, 'manager')).filter(({ what }) => !/owner|operator/.test(what))
      const start = total.attempts
      const privileged = () =>
        tenantRealm(tenant).transaction((run) =>
          run(sql`SELECT p.id, p.role, p.state, p.password, s.id AS session, s.ended_at, t.id AS token, t.revoked_at, k.id AS passkey
            FROM identity.person p LEFT JOIN identity.session s ON s.person_id = p.id
              LEFT JOIN identity.api_token t ON t.person_id = p.id LEFT JOIN identity.passkey k ON k.person_id = p.id
            WHERE p.role = 'owner' ORDER BY p.id, s.id, t.id, k.id`),
        )
      const untouched = await privileged()
      const { ids } = victim
      await sweep(tenant.hosts[0] as string, below, { ...victim, ids: ids.slice(0, 8) })
      const same = JSON.stringify(await privileged()) === JSON.stringify(untouched)
      report(context, start, same ? [] : ['what an owner has was changed'])
      // The owner's own requests do change it: the comparison would see it.
      await sweep(tenant.hosts[0] as string, [{ what: 'owner', token: victim.owner }], victim)
      assert.notDeepEqual(await privileged(), untouched)
    })
  }
})

/** A body that fits `schema`, every field filled: identifiers by `id`, roles by the best. */
function filled(schema: Schema, id: string): unknown {
  if (!schema) return undefined
  if (schema.enum) return schema.enum[0]
  if (schema.type === 'object')
    return Object.fromEntries(
      Object.entries(schema.properties ?? {}).map(([name, part]) => [name, filled(part, id)]),
    )
  if (schema.type === 'array') return [filled(schema.items, id)]
  if (schema.type === 'boolean') return false
  return schema.type === 'string' ? id : 1
}
