import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { keepSecret } from '../data/secrets.ts'
import { defineProblem } from '../kernel/problems.ts'
import { loadSettings } from '../kernel/settings.ts'
import {
  type BillingSettings,
  keepStandInAuthority,
  STAND_IN_HOST,
  serveStandIn,
  WEBHOOK_PATH,
} from '../modules/billing/index.ts'
import { authorityFile, type EdgeSettings } from '../modules/edge/index.ts'
import { requestEdge } from '../modules/edge/request.ts'
import type { EgressSettings } from '../modules/egress/index.ts'
import { type Environment, withConventionalNames } from './environment.ts'
import { loadApp, modulesOf, profileLayer } from './platform.ts'
import { dieWithParent } from './process/dieWithParent.ts'

const noStandIn = defineProblem({
  code: 'stand-in',
  status: 500,
  title: 'Nothing says where Mollie is stood in for',
})

/**
 * What the environment lacks for payments to be tried without an account at Mollie: a key, where the stand-in is, and
 * the way out to it. Undefined where a key is given, where people earn money, and where the register was chosen.
 */
export async function planStandIn(dir: string, environment: Environment): Promise<Environment | undefined> {
  const { billing, egress, runtime } = await settingsOf(environment)
  const { register, allowedNetworks, caFileName } = egress as EgressSettings
  const chosen = caFileName !== undefined || allowedNetworks.length > 0
  const { environment: purpose } = runtime as { environment: string }
  if ((billing as BillingSettings).key || chosen || purpose === 'production') return undefined
  const folder = join(dir, 'mollie')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  keepSecret(folder, 'key', () => `test_${crypto.randomUUID().replaceAll('-', '')}`)
  const port = await freePort()
  const standIn = {
    name: 'Stand-in for Mollie on this machine',
    purpose: 'payments to try out',
    country: 'NL',
    hosts: [STAND_IN_HOST],
    port,
    modules: ['billing'],
  }
  return {
    SURETY_BILLING__KEY_FILE: join(folder, 'key'),
    SURETY_BILLING__API_URL: `https://${STAND_IN_HOST}:${port}`,
    SURETY_EGRESS__REGISTER: JSON.stringify([...register, standIn]),
    SURETY_EGRESS__ALLOWED_NETWORKS: '["127.0.0.0/8","::1/128"]',
    SURETY_EGRESS__CA_FILE_NAME: await keepStandInAuthority(folder),
  }
}

/** The process that stands in for Mollie: `surety up` keeps it where it is planned. */
export async function standIn(): Promise<void> {
  const { billing, edge, egress, stores } = await settingsOf(withConventionalNames(process.env))
  const { key, apiUrl } = billing as BillingSettings
  const { caFileName } = egress as EgressSettings
  if (!key || !caFileName) throw noStandIn('`surety up` starts it where no key of Mollie is given.')
  const front = edge as EdgeSettings
  const own = front.tlsKeyFileName !== undefined
  const door = { ...front, authorityFile: own ? undefined : authorityFile(String(stores?.secrets)) }
  const served = await serveStandIn({
    folder: dirname(caFileName),
    key,
    port: Number(new URL(apiUrl).port),
    async notify(id) {
      const { status } = await requestEdge(door, {
        host: front.trustHost,
        path: WEBHOOK_PATH,
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: `id=${id}`,
      })
      return status === 200
    },
  })
  dieWithParent(served.close)
}

async function settingsOf(environment: Environment) {
  const modules = modulesOf(await loadApp(environment))
  return loadSettings(modules, { environment, profile: profileLayer(environment) })
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}
