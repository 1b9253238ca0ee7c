import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import type { ProbeContext } from '../../proof/measure.ts'
import { watchSockets } from './attribution.ts'
import type { EgressParts } from './client.ts'
import type { Decision } from './decide.ts'
import { openPeer, type ScratchAuthority } from './peer.ts'
import { pinOf } from './pins.ts'
import { trialClient } from './trialClient.ts'

const HOST = 'claimed.canary.invalid'
const DAY = 86_400_000

/** Looks for calls that did not go through the client: by a watch like the one in use, then in what that one wrote down. */
export async function attackSockets(
  { check, positiveControl, clock }: ProbeContext<unknown>,
  live: EgressParts,
  { ca, leaf }: ScratchAuthority,
): Promise<void> {
  const identity = await leaf(HOST)
  const peer = await openPeer(identity)
  const seen: Decision[] = []
  const toPeer = () => seen.filter(({ port }) => port === peer.port).map(({ reason }) => reason)
  const stop = watchSockets(
    live.rules.register,
    (decision) => seen.push(decision),
    () => true,
  )
  const pins = [pinOf(new X509Certificate(identity.cert))]
  const client = trialClient(live, { host: HOST, port: peer.port, module: 'probe', ca, pins })
  try {
    const caller = { module: 'probe', tenant: null, purpose: 'probe' }
    const claimed = await client.connect(caller, `${HOST}:${peer.port}`, ['http/1.1'])
    claimed.destroy()
    check("calls of the client's that count as past it", [], toPeer())
    const past = connect(peer.port, '127.0.0.1')
    await once(past, 'connect')
    past.destroy()
    positiveControl('a connection past the client', ['past-the-client'], toPeer())
  } finally {
    stop()
    await client.close()
    await peer.close()
  }
  const since = new Date(clock.now().getTime() - DAY).toISOString()
  const found = live.decisions
    .recent(5_000)
    .filter(({ at, reason }) => reason === 'past-the-client' && at > since)
    .map(({ host, port }) => `${host}:${port}`)
  check('servers that were called past the client within a day', [], [...new Set(found)])
}
