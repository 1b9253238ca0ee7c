import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { rootCertificates } from 'node:tls'
import { stores } from '../../data/index.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Log } from '../../kernel/log.ts'
import { defineModule } from '../../kernel/module.ts'
import { edge } from '../edge/index.ts'
import { watchSockets } from './attribution.ts'
import { type EgressClient, type EgressParts, openEgressClient } from './client.ts'
import { openGate, resolveByDns } from './decide.ts'
import { openDecisionLog } from './decisionLog.ts'
import { egressPinning } from './measures/egress-pinning.ts'
import { openPinning } from './pins.ts'
import { isRegistered, pinsOf, pinsToRenew, type Register } from './register.ts'
import { egressRoutes } from './routes.ts'
import { type EgressSettings, egressSettings } from './settings.ts'

/** What other modules get. */
export interface EgressApi extends EgressClient {
  /** Whether the register leads `module` there. */
  leadsTo(module: string, host: string, port: number): boolean
  /** What the running client is made of; a test may break it. */
  parts: EgressParts
  /** Where decisions are kept, and for how many milliseconds. */
  kept: { folder: string; keepFor: number }
}

export type { EgressClient } from './client.ts'
export { withAuthority } from './peer.ts'
export { isRegistered } from './register.ts'
export { serveEgressProxy } from './serveProxy.ts'
export type { EgressSettings } from './settings.ts'
export { trialClient } from './trialClient.ts'

const DAY = 86_400_000
/** How often (ms) the decisions of the proxy, which has no alerts of its own, are read. */
const FOLLOW_EVERY = 15_000

/** The way out: only to sub-processors, only to their keys, and written down. */
export const egress = defineModule({
  name: 'egress',
  needs: { stores, edge },
  settings: egressSettings,
  async start({ settings, clock, log }, { stores }) {
    const parts: EgressParts = {
      ...gateAndLog(settings, stores.files, { clock, log }),
      pinning: openPinning(),
      pinsOf: (host: string) => pinsOf(settings.register, host),
      socket: settings.socket,
      ca: settings.caFileName ? [...rootCertificates, readFileSync(settings.caFileName, 'utf8')] : undefined,
    }
    const client = openEgressClient({
      ...parts,
      record: (decision) => parts.decisions.record(decision, 'client'),
    })
    // One process of a deployment appends evidence: it also watches the calendar and the proxy.
    const watches = stores.sealer
      ? [watchPins(settings, clock, log), every(FOLLOW_EVERY, () => parts.decisions.follow('proxy'))]
      : []
    const unwatch = watchSockets(settings.register, (decision) => parts.decisions.record(decision, 'client'))
    return {
      api: {
        ...client,
        leadsTo: (module, host, port) => isRegistered(settings.register, host, port, module),
        parts,
        kept: { folder: folderIn(stores.files), keepFor: settings.decisionsKeptFor },
      } satisfies EgressApi as EgressApi,
      routes: [egressRoutes(settings.register, parts.decisions)],
      measures: [egressPinning(parts, settings.register)],
      async stop() {
        unwatch()
        for (const watch of watches) clearInterval(watch)
        await client.close()
      },
    }
  },
})

const folderIn = (files: string): string => join(files, 'egress')

/** What decides and writes decisions down, alike in the proxy and in the client. */
export function gateAndLog(
  settings: EgressSettings,
  files: string,
  { clock, log }: { clock: Clock; log: Log },
) {
  const rules = { ...settings, resolve: resolveByDns }
  return {
    rules,
    gate: openGate(rules),
    decisions: openDecisionLog(folderIn(files), { clock, log, keepFor: settings.decisionsKeptFor }),
  }
}

function watchPins(
  { register, renewPinsBefore }: { register: Register; renewPinsBefore: number },
  clock: Clock,
  log: Log,
): NodeJS.Timeout {
  const look = () => {
    const names = pinsToRenew(register, clock.now(), renewPinsBefore)
    if (names.length > 0) log.warn({ alarm: 'egress-pins', names }, 'agreed keys of sub-processors end soon')
  }
  return every(DAY, look)
}

function every(ms: number, look: () => void): NodeJS.Timeout {
  look()
  return setInterval(look, ms).unref()
}
