// Secrets given to a running deployment at every entry, right and wrong ones; then looked for wherever data comes to rest.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { festival } from '../examples/festival/index.ts'
import { platformModules } from '../src/cli/platform.ts'
import { databases } from '../src/data/roles.ts'
import type { EdgeAnswer, EdgeApi } from '../src/modules/edge/index.ts'
import { type IdentityApi, tenantRealm } from '../src/modules/identity/index.ts'
import { apnsCredential, fcmCredential } from '../src/modules/push/peerKeys.ts'
import { formsOf } from '../src/modules/secrets/forms.ts'
import { findInDatabase, findInFiles, findInRedis, type Sought } from '../src/modules/secrets/look.ts'
import type { TelemetryApi } from '../src/modules/telemetry/index.ts'
import type { IsolationModel, Tenant } from '../src/modules/tenancy/tenant.ts'
import { type TestPlatform, testPlatform } from './support/platform.ts'

let platform: TestPlatform
let server: ChildProcess
let output = ''
before(async () => {
  platform = await testPlatform([...platformModules, festival])
  const privileged = /(MIGRATOR|SEALER)_PASSWORD/
  const own = Object.entries(platform.program.env).filter(([name]) => !privileged.test(name))
  const env = { ...Object.fromEntries(own), LOG_LEVEL: 'trace', SURETY_APP: 'examples/festival/app.ts' }
  server = spawn(process.execPath, [...platform.program.args, 'serve'], {
    env: env as NodeJS.ProcessEnv,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  for (const stream of [server.stdout, server.stderr])
    stream?.on('data', (chunk) => {
      output += chunk
    })
  const isReady = () =>
    edge()
      .request({ host: 'trust.localhost', path: '/readyz' })
      .catch(() => null)
  while ((await isReady())?.status !== 200) {
    if (server.exitCode !== null) assert.fail(output)
    await sleep(200)
  }
})
after(async () => {
  server?.kill('SIGTERM')
  if (server?.exitCode === null) await once(server, 'exit')
  await platform?.stop()
})

const edge = () => platform.api('edge') as EdgeApi
const secretText = () => randomBytes(20).toString('hex')

/** What may be seen: the tenant's id, and a marker that stands in names. */
const OPEN = 'what is no secret'

interface Given {
  what: string
  secret: string
  /** Statuses that show that the entry was reached. */
  expected: readonly number[]
  answer: EdgeAnswer
}

type Send = (
  what: string,
  secret: string,
  expected: readonly number[],
  request: { method?: string; path: string; body?: object | string; headers?: Record<string, string> },
) => Promise<Given>

const sender =
  (tenant: Tenant, access?: string): Send =>
  async (what, secret, expected, { method = 'GET', path, body, headers = {} }) => {
    const answer = await edge().request({
      host: tenant.hosts[0] as string,
      method,
      path,
      headers: {
        ...(access ? { authorization: `Bearer ${access}` } : {}),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    return { what, secret, expected, answer }
  }

/** What the platform is meant to keep, each given where it belongs. */
async function giveKept(tenant: Tenant, marker: string): Promise<Given[]> {
  const { people, sessions } = platform.api('identity') as IdentityApi
  const realm = tenantRealm(tenant)
  const [password, token, passphrase] = [secretText(), secretText(), secretText()]
  const email = `${marker}@example.org`
  const id = await people.add(realm, { email, name: marker, role: 'owner', password })
  const hash = await people.passwordHashOf(realm, id)
  const { access } = await sessions.begin(
    realm,
    { id, password: hash },
    { device: 'test', factors: ['pwd', 'otp'] },
  )
  const [anybody, owner] = [sender(tenant), sender(tenant, access)]
  const [apple, google] = [apnsCredential().given, fcmCredential().given]
  const lineOf = (pem: string) => pem.split('\n')[1] as string
  const device = randomBytes(32).toString('hex')
  const content = randomBytes(300)
  const push = '/api/v1/push'
  const given = [
    await anybody('a password at sign-in', password, [200, 403], {
      method: 'POST',
      path: '/api/v1/auth/sign-in',
      body: { email, password },
    }),
    await owner('an access token', access.slice(-60), [200], { path: '/api/v1/auth/sessions' }),
    await owner('a token of a social account', token, [201], {
      method: 'POST',
      path: '/api/v1/social-accounts',
      body: { platform: 'bluesky', handle: marker, accessToken: token },
    }),
    await owner('a key of Apple', lineOf(apple.privateKey), [204], {
      method: 'PUT',
      path: `${push}/credentials/apns`,
      body: apple,
    }),
    await owner('a service account of Google', lineOf(google.private_key), [204], {
      method: 'PUT',
      path: `${push}/credentials/fcm`,
      body: google,
    }),
    await anybody('a device token', device, [204], {
      method: 'PUT',
      path: `${push}/devices/${randomUUID()}`,
      body: { service: 'apns', token: device },
    }),
    await owner('a passphrase', passphrase, [204], {
      method: 'PUT',
      path: '/api/v1/signing/materials/release',
      body: { kind: 'keystore', content: content.toString('base64'), passphrase },
    }),
    await owner('a keystore', content.toString('latin1', 100, 140), [200], {
      path: '/api/v1/signing/materials',
    }),
  ]
  const issued = await owner('an API token', '', [201], {
    method: 'POST',
    path: '/api/v1/auth/tokens',
    body: { name: marker, permissions: ['content.read'], days: 1 },
  })
  const signing = await owner('a token of a build', '', [201], {
    method: 'POST',
    path: '/api/v1/signing/tokens',
    body: { materials: ['release'] },
  })
  for (const one of [issued, signing]) one.secret = JSON.parse(one.answer.body).token.slice(-40)
  return [...given, issued, signing]
}

/** Secrets at the wrong place, in the wrong form, to nobody in particular. */
async function giveAstray(tenant: Tenant, marker: string): Promise<Given[]> {
  const send = sender(tenant)
  const any = [200, 204, 400, 401, 403, 404, 415]
  const signIn = { method: 'POST', path: '/api/v1/auth/sign-in' }
  const astray: [string, (secret: string) => Parameters<Send>[3]][] = [
    ['a wrong password', (password) => ({ ...signIn, body: { email: `${marker}@example.org`, password } })],
    [
      'a password of somebody unknown',
      (password) => ({ ...signIn, body: { email: 'no@example.org', password } }),
    ],
    [
      'a password in a body that is no JSON',
      (password) => ({ ...signIn, body: `{"password":"${password}"` }),
    ],
    [
      'a password of the wrong type',
      (password) => ({ ...signIn, body: { email: 'x@example.org', password: [password] } }),
    ],
    ['a password under a name nobody asked for', (password) => ({ ...signIn, body: { passwd: password } })],
    ['a token in a query', (token) => ({ path: `/api/v1/tenant?access_token=${token}` })],
    ['a token in the query of no page', (token) => ({ path: `/nowhere?token=${token}&x=1` })],
    [
      'a bearer token that is none',
      (token) => ({ path: '/api/v1/auth/sessions', headers: { authorization: `Bearer ${token}` } }),
    ],
    [
      'a password by Basic',
      (password) => ({
        path: '/api/v1/auth/sessions',
        headers: { authorization: `Basic ${Buffer.from(`x:${password}`).toString('base64')}` },
      }),
    ],
    [
      'a cookie that is no session',
      (token) => ({ path: '/api/v1/auth/sessions', headers: { cookie: `__Host-session=${token}` } }),
    ],
    [
      'a token for a build that is none',
      (token) => ({
        method: 'POST',
        path: '/api/v1/signing/fetch',
        body: { token: `sgn_${randomUUID()}_${token}${token.slice(0, 24)}`, materials: ['release'] },
      }),
    ],
  ]
  const given: Given[] = []
  for (const [what, requestOf] of astray) {
    const secret = secretText()
    given.push(await send(what, secret, any, requestOf(secret)))
  }
  return given
}

async function look(
  tenant: Tenant,
  since: Date,
  sought: readonly Sought[],
): Promise<Record<string, string[]>> {
  const { asMigrator, redis } = platform.stores
  const { folder } = (platform.api('telemetry') as TelemetryApi).files
  const own = tenant.model === 'rows' ? databases.pool : tenant.slug
  const [, dir = ''] = (await redis.config('GET', 'dir')) as string[]
  const [, appendOnly = ''] = (await redis.config('GET', 'appenddirname')) as string[]
  // Redis writes its log within a second, the server its log within a fifth.
  await sleep(1_500)
  return {
    'own database': await findInDatabase(asMigrator, own, [tenant.id], sought),
    control: await findInDatabase(asMigrator, databases.control, [tenant.id], sought),
    keys: await findInDatabase(asMigrator, databases.keys, [tenant.id], sought),
    redis: await findInRedis(redis, sought),
    'files of redis': await findInFiles(join(dir, appendOnly), since, sought),
    'log files': await findInFiles(folder, since, sought),
    output: sought.filter(({ forms }) => forms.some((form) => output.includes(form))).map(({ name }) => name),
  }
}

for (const model of ['rows', 'database'] as const satisfies IsolationModel[]) {
  describe(`secrets given to a tenant in the model ${model}`, () => {
    it('are in no database, not in Redis or its files, and in no log', async () => {
      const since = new Date(Date.now() - 1_000)
      const tenant = await platform.makeTenant(model)
      const marker = `marker${secretText()}`
      const given = [...(await giveKept(tenant, marker)), ...(await giveAstray(tenant, marker))]
      for (const { what, expected, answer } of given)
        assert.ok(expected.includes(answer.status), `${what}: ${answer.status} ${answer.body}`)
      await platform.stores.redis.set(`canary:${marker}`, marker, 'EX', 60)
      const sought = given.map(({ what, secret }) => ({
        name: what,
        forms: formsOf(Buffer.from(secret, 'latin1')),
      }))
      const found = await look(tenant, since, [...sought, { name: OPEN, forms: [marker, tenant.id] }])
      const blind = Object.entries(found).filter(([, names]) => !names.includes(OPEN))
      assert.deepEqual(blind, [], 'in each place the look sees what is no secret')
      const leaks = Object.entries(found).map(([place, names]) => [
        place,
        names.filter((name) => name !== OPEN),
      ])
      assert.deepEqual(
        leaks.filter(([, names]) => names?.length),
        [],
      )
    })
  })
}
