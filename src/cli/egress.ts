import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import type { StoreSettings } from '../data/index.ts'
import { buildOf } from '../kernel/build.ts'
import { systemClock } from '../kernel/clock.ts'
import { crashThrough, createLog } from '../kernel/log.ts'
import { defineProblem } from '../kernel/problems.ts'
import { sayReady } from '../kernel/readiness.ts'
import { loadSettings } from '../kernel/settings.ts'
import { type EgressSettings, gateAndLog, serveEgressProxy } from '../modules/egress/index.ts'
import { withConventionalNames } from './environment.ts'
import { loadApp, modulesOf, profileLayer, releaseOf } from './platform.ts'
import { dieWithParent } from './process/dieWithParent.ts'

const noSocket = defineProblem({ code: 'egress-socket', status: 500, title: 'The way out has no place' })

/** The process through which all others reach the internet. It needs no store and no secret. */
export async function egress(): Promise<void> {
  const log = createLog({ name: 'egress', level: process.env.LOG_LEVEL ?? 'warn' })
  crashThrough(log)
  const environment = withConventionalNames(process.env)
  const modules = modulesOf(await loadApp(environment))
  const tree = loadSettings(modules, { environment, profile: profileLayer(environment) })
  const settings = tree.egress as EgressSettings
  const { files } = tree.stores as StoreSettings
  if (!settings.socket) throw noSocket('Name a UNIX socket in SURETY_EGRESS__SOCKET.')
  mkdirSync(dirname(settings.socket), { recursive: true, mode: 0o750 })
  const { gate, decisions } = gateAndLog(settings, files, { clock: systemClock, log })
  const proxy = await serveEgressProxy(settings.socket, gate.locate, (decision) =>
    decisions.record(decision, 'proxy'),
  )
  dieWithParent(proxy.close)
  sayReady(buildOf(releaseOf(environment)))
}
