import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { newId } from '../src/kernel/ids.ts'
import { billing } from '../src/modules/billing/index.ts'
import { WEBHOOK_PATH } from '../src/modules/billing/routes.ts'
import type { EdgeApi } from '../src/modules/edge/index.ts'
import { type JobsApi, jobs } from '../src/modules/jobs/index.ts'
import { type Canaries, makeCanaries, seenIn } from '../src/modules/telemetry/canaries.ts'
import { type TelemetryApi, telemetry } from '../src/modules/telemetry/index.ts'
import { readAll } from '../src/modules/telemetry/scratchLog.ts'
import type { Tenant } from '../src/modules/tenancy/index.ts'
import { type TestPlatform, testPlatform } from './support/platform.ts'

const prefix = `t${newId().slice(-12)}`
let platform: TestPlatform
let tenant: Tenant
let fail: (text: string) => Promise<void>
before(async () => {
  platform = await testPlatform([telemetry, jobs, billing], { jobs: { firstDelay: '20ms', prefix } })
  await platform.serve()
  tenant = await platform.makeTenant('rows')
  const api = platform.api('jobs') as JobsApi
  const run = async (name: string) => {
    throw Object.assign(new Error(texts.get(name)), {
      request: { headers: { authorization: texts.get(name) } },
    })
  }
  // What the job is about is a name: data of jobs holds no secrets, what they fail with may.
  const texts = new Map<string, string>()
  const queue = api.define({ name: 'test.canary', data: z.string(), attempts: 1, run })
  await api.work()
  fail = async (text) => {
    const name = newId()
    texts.set(name, text)
    const id = await queue.add(tenant, name)
    while (!(await api.dead(100)).some((dead) => dead.id === id)) await sleep(20)
  }
})
after(async () => {
  await (platform?.api('jobs') as JobsApi | undefined)?.drain(1_000)
  await platform?.stop()
})

/** Brings canaries in by every door: forms, queries, headers, cookies, paths, broken bodies, a webhook, a failing job. */
async function plant({ secret, mail, jwt }: Canaries): Promise<void> {
  const [host = ''] = tenant.hosts
  const json = { 'content-type': 'application/json' }
  const sent = `${encodeURIComponent(mail)}&token=${secret}&jwt=${jwt}`
  const { request } = platform.api('edge') as EdgeApi
  const path = '/api/v1/auth/sign-in'
  await request({
    host,
    path,
    method: 'POST',
    headers: json,
    body: JSON.stringify({ email: mail, password: secret }),
  })
  await request({
    host,
    path,
    method: 'POST',
    headers: json,
    body: `{"email":"${mail}","password":"${secret}`,
  })
  await request({ host, path: `/api/v1/tenant/${secret}/${mail}?email=${sent}` })
  const headers = { authorization: `Bearer ${jwt}`, cookie: `__Host-surety-access=${jwt}; who=${mail}` }
  await request({
    host,
    path: '/api/v1/auth/me',
    headers: { ...headers, referer: `https://x.invalid/?email=${sent}` },
  })
  await request({
    host: 'trust.localhost',
    path: `${WEBHOOK_PATH}?email=${sent}`,
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: `id=${mail}&token=${secret}`,
  })
  await fail(`${mail} was refused with token=${secret} and ${jwt}`)
  await sleep(300) // lines wait for their block
}

/** Where they are found: all log files, and all that Redis holds of jobs. */
async function found(canaries: Canaries): Promise<{ logs: string[]; redis: string[] }> {
  const { files } = platform.api('telemetry') as TelemetryApi
  files.flush()
  const { redis } = platform.stores
  let kept = ''
  for (const key of await redis.keys(`${prefix}:*`))
    if ((await redis.type(key)) === 'hash') kept += JSON.stringify(await redis.hgetall(key))
  return { logs: seenIn(readAll(files.folder), canaries), redis: seenIn(kept, canaries) }
}

it('what comes in by any door is in no log and in no Redis key of a failed job', async () => {
  const canaries = makeCanaries()
  await plant(canaries)
  assert.deepEqual(await found(canaries), { logs: [], redis: [] })
})

it('without redaction it is in both', async () => {
  const { guard } = platform.api('telemetry') as TelemetryApi
  const whole = { ...guard }
  Object.assign(guard, { cleanse: (value: object) => value, scan: (line: string) => ({ line, found: [] }) })
  const canaries = makeCanaries()
  try {
    await plant(canaries)
    assert.deepEqual(await found(canaries), {
      logs: ['secret', 'mail', 'jwt'],
      redis: ['secret', 'mail', 'jwt'],
    })
  } finally {
    Object.assign(guard, whole)
  }
})
