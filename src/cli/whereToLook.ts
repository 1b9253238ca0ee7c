import { relative } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pc from 'picocolors'
import type { App } from '../index.ts'
import type { SettingsTree } from '../kernel/module.ts'
import { STAND_IN_HOST } from '../modules/billing/index.ts'
import { authorityFile } from '../modules/edge/authority.ts'
import type { EdgeSettings } from '../modules/edge/index.ts'
import { type EdgeRequest, requestEdge } from '../modules/edge/request.ts'

const LOOK_AGAIN = 200

/** What there is to be told. `setUp`: the link by which the first operator comes in; null when there is one. */
interface Running {
  settings: SettingsTree
  app: App
  setUp: string | null
}

/** Waits until the platform and the demo tenants answer, then prints where. */
export async function showWhereToLook({ settings, app, setUp }: Running, ended: AbortSignal): Promise<void> {
  const edge = settings.edge as EdgeSettings
  const { baseDomain, models } = settings.tenancy as { baseDomain: string; models: readonly string[] }
  const own = edge.tlsKeyFileName !== undefined
  const authority = own ? undefined : authorityFile(String(settings.stores?.secrets))
  const answers = async (request: EdgeRequest) => {
    const answer = await requestEdge({ ...edge, authorityFile: authority }, request).catch(() => undefined)
    return answer?.status === 200
  }
  const tenants = (app.demo?.tenants ?? [])
    .filter(({ model }) => models.includes(model))
    .map(({ slug, name }) => ({ slug, name, host: `${slug}.${baseDomain}` }))
  const asked = [
    { host: edge.trustHost, path: '/readyz' },
    ...tenants.map(({ host }) => ({ host, path: '/api/v1/tenant' })),
  ]
  for (const request of asked)
    while (!ended.aborted && !(await answers({ ...request, insecure: true })))
      await sleep(LOOK_AGAIN, undefined, { signal: ended }).catch(() => undefined)
  if (ended.aborted) return
  const line = (name: string, host: string) =>
    console.log(`  ${name.padEnd(28)}${pc.underline(`https://${host}:${edge.port}`)}`)
  console.log(`\n${pc.bold('Surety')} is ready.\n`)
  line('Trust center', edge.trustHost)
  line('Back-office of operators', edge.adminHost)
  for (const { name, host } of tenants) line(name, host)
  if (authority)
    console.log(
      pc.dim(
        `\nYour browser asks once: the certificates are from ${relative('.', authority)}, which you can import.`,
      ),
    )
  if (setUp) console.log(`\nThere is no operator yet. Open this to become the first:\n  ${pc.bold(setUp)}`)
  const invite = (words: string) => pc.bold(`npm run surety -- ${words}`)
  const [first] = tenants
  console.log('\nIn another terminal:')
  if (!setUp)
    console.log(
      `  ${invite('operator invite you@example.org')}  makes an operator: a link to choose a password`,
    )
  if (first)
    console.log(
      `  ${invite(`member invite ${first.slug} you@example.org`)}  makes an owner of ${first.name}; its back-office is at /office/`,
    )
  if (new URL(String(settings.billing?.apiUrl)).hostname === STAND_IN_HOST)
    console.log(`  ${invite('run billing:demo')}  plays a payment, a refund and a cancellation`)
  console.log(`  ${invite('prove')}  runs every probe now\nCtrl-C ends everything.\n`)
}
