import { type Measure, measure } from '../../../proof/measure.ts'
import { trialClient, withAuthority } from '../../egress/index.ts'
import { makeCanaries, seenIn } from '../canaries.ts'
import { reportError } from '../errorReports.ts'
import type { MeasureParts } from '../measures.ts'
import type { Entry } from '../monitor.ts'
import { written, writtenBare } from '../scratchLog.ts'
import { openTracker } from '../tracker.ts'

const HOST = 'errors.canary.invalid'
/** Documentation addresses (RFC 5737, RFC 3849). */
const ADDRESSES = ['203.0.113.77', '2001:db8::dead:beef']

/** PREZ-32. The bytes as they arrive at a tracker of the probe's own; it is asked whether or not a real one is named. */
export function errorsScrubClient({ parts, egress, clock, build }: MeasureParts): Measure {
  return measure({
    key: 'errors.scrub.client',
    sources: ['PREZ-32'],
    family: 'transfer',
    maps: { gdpr: ['5(1)(c)', '25(1)', '28'], iso27001: ['A.8.11', 'A.8.12'] },
    claim: {
      de: () =>
        'Fehlerberichte werden vor dem Versand bereinigt: E-Mail- und IP-Adressen, Tokens, Cookies und Inhalte von Anfragen verlassen das System nicht.',
      en: () =>
        'Error reports are scrubbed before they are sent: e-mail and IP addresses, tokens, cookies and bodies of requests do not leave the system.',
    },
    async prove({ check, positiveControl }) {
      const canaries = makeCanaries()
      const seen = (text: string) => [
        ...seenIn(text, canaries),
        ...ADDRESSES.filter((one) => text.includes(one)),
      ]
      const fail = (log: Parameters<Parameters<typeof written>[0]>[0]) =>
        log.error(
          { err: failure(canaries), requestId: 'r-1', body: { password: canaries.secret } },
          'request failed',
        )
      await withAuthority(async ({ ca, leaf }) => {
        const tracker = await openTracker(await leaf(HOST))
        const client = trialClient(egress.parts, {
          host: HOST,
          port: tracker.port,
          module: 'telemetry',
          ca,
          pins: [],
        })
        const dsn = `https://publickey@${HOST}:${tracker.port}/42`
        const { guard } = parts
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
          positiveControl(
            'canaries in the same error, not scrubbed',
            ['secret', 'mail', 'jwt', ...ADDRESSES],
            seen(raw),
          )
          check('canaries when the log had let them through', [], seen(await send(raw)))
        } finally {
          await client.close()
          await tracker.close()
        }
      })
    },
  })
}

/** An error as it comes from a library that puts the whole request on it. */
function failure({ secret, mail, jwt }: ReturnType<typeof makeCanaries>): Error {
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
