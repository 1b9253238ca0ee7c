import { type Measure, measure, type ProbeContext } from '../../../proof/measure.ts'
import { trialClient, withAuthority } from '../../egress/index.ts'
import { type Canaries, factsThatLeak, makeCanaries, seenIn } from '../canaries.ts'
import { openCollector } from '../collector.ts'
import { reportError } from '../errorReports.ts'
import type { MeasureParts } from '../measures.ts'
import type { Entry } from '../monitor.ts'
import { written, writtenBare } from '../scratchLog.ts'
import { sentAsTraces, unlooked } from '../scratchTraces.ts'
import { lookedAt } from '../startTracing.ts'
import { openTracker } from '../tracker.ts'

const HOST = 'errors.canary.invalid'
/** Documentation addresses (RFC 5737, RFC 3849). */
const ADDRESSES = ['203.0.113.77', '2001:db8::dead:beef'] as const
const ALL = ['secret', 'mail', 'jwt', ...ADDRESSES]

/**
 * PREZ-32. The bytes as they arrive at a tracker of the probe's own; it is asked whether or not a real one is named. Where
 * traces leave, also those that arrive at a collector of its own.
 */
export function errorsScrubClient(attacked: MeasureParts): Measure {
  return measure({
    key: 'errors.scrub.client',
    sources: ['PREZ-32'],
    family: 'transfer',
    maps: { gdpr: ['5(1)(c)', '25(1)', '28'], iso27001: ['A.8.11', 'A.8.12'] },
    settings: { traces: attacked.settings.tracesUrl !== undefined },
    claim: {
      de: ({ traces }) =>
        `Fehlerberichte ${traces ? 'und Traces ' : ''}werden vor dem Versand bereinigt: E-Mail- und IP-Adressen, Tokens, Cookies und Inhalte von Anfragen verlassen das System nicht.`,
      en: ({ traces }) =>
        `Error reports ${traces ? 'and traces ' : ''}are scrubbed before they are sent: e-mail and IP addresses, tokens, cookies and bodies of requests do not leave the system.`,
    },
    async prove(context) {
      await withAuthority(async (authority) => {
        await proveReports(attacked, context, authority)
        if (context.settings.traces) await proveTraces(attacked, context, authority)
      })
    },
  })
}

type Context = Pick<ProbeContext<unknown>, 'check' | 'positiveControl'>
type Authority = Parameters<Parameters<typeof withAuthority>[0]>[0]

const seenAmong = (canaries: Canaries) => (text: string) => [
  ...seenIn(text, canaries),
  ...ADDRESSES.filter((one) => text.includes(one)),
]

async function proveReports(
  { parts: { guard }, egress, clock, build }: MeasureParts,
  { check, positiveControl }: Context,
  { ca, leaf }: Authority,
): Promise<void> {
  const canaries = makeCanaries()
  const seen = seenAmong(canaries)
  const fail = (log: Parameters<Parameters<typeof written>[0]>[0]) =>
    log.error(
      { err: failure(canaries), requestId: 'r-1', body: { password: canaries.secret } },
      'request failed',
    )
  const tracker = await openTracker(await leaf(HOST))
  const peer = { host: HOST, port: tracker.port, module: 'telemetry', ca, pins: [] }
  const client = trialClient(egress.parts, peer)
  const dsn = `https://publickey@${HOST}:${tracker.port}/42`
  const send = async (line: string) => {
    await reportError(JSON.parse(line) as Entry, { egress: client, guard, clock, build, dsn })
    return tracker.taken()
  }
  try {
    const [line = ''] = written(fail, guard).split('\n')
    const sent = await send(line)
    check('canaries in the bytes that arrived', [], seen(sent))
    positiveControl('the error arrived, with its cause', ['Error', 'TypeError'], typesIn(sent))
    const raw = writtenBare(fail)
    positiveControl('canaries in the same error, not scrubbed', ALL, seen(raw))
    check('canaries when the log had let them through', [], seen(await send(raw)))
  } finally {
    await client.close()
    await tracker.close()
  }
}

async function proveTraces(
  { parts: { guard }, egress }: MeasureParts,
  { check, positiveControl }: Context,
  { ca, leaf }: Authority,
): Promise<void> {
  const { sendTraces } = await import('../sendTraces.ts')
  const canaries = makeCanaries()
  const [v4, v6] = ADDRESSES
  const facts = {
    ...factsThatLeak(canaries),
    'where it came from': { 'client.address': v4, 'network.peer.address': v6, via: `${v4}:443 and [${v6}]` },
  }
  const collector = await openCollector(await leaf(HOST))
  const peer = { host: HOST, port: collector.port, module: 'telemetry', ca, pins: [] }
  const client = trialClient(egress.parts, peer)
  const url = `https://${HOST}:${collector.port}/v1/traces`
  const arrived = async (look: typeof unlooked) => {
    collector.taken = []
    await sentAsTraces(facts, look, sendTraces(client, { url, authorization: undefined }))
    return collector.taken.map(({ text }) => text).join('')
  }
  try {
    const text = await arrived(lookedAt(guard))
    check('canaries in the bytes that arrived as traces', [], seenAmong(canaries)(text))
    const names = Object.keys(facts).filter((name) => text.includes(`"name":"${name}"`))
    positiveControl('spans that arrived', Object.keys(facts), names)
    const bare = seenAmong(canaries)(await arrived(unlooked))
    positiveControl('canaries in the same spans, not scrubbed', ALL, bare)
  } finally {
    await client.close()
    await collector.close()
  }
}

/** An error as it comes from a library that puts the whole request on it. */
function failure({ secret, mail, jwt }: Canaries): Error {
  const cause = new TypeError(`refused ${jwt} from ${ADDRESSES.join(' and ')}:443`)
  const request = {
    headers: { cookie: `sid=${secret}`, authorization: `Bearer ${secret}` },
    body: { email: mail },
  }
  return Object.assign(new Error(`no account for ${mail}, token=${secret}`, { cause }), { request })
}

function typesIn(envelope: string): string[] {
  const [, , event = '{}'] = envelope.split('\n')
  const { exception } = JSON.parse(event) as { exception?: { values: { type: string }[] } }
  return (exception?.values ?? []).map(({ type }) => type).sort()
}
