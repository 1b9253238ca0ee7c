import { X509Certificate } from 'node:crypto'
import { checkServerIdentity } from 'node:tls'
import { Agent, fetch } from 'undici'
import type { ProbeContext } from '../../proof/measure.ts'
import type { EgressParts } from './client.ts'
import { BODY, type Leaf, openPeer, type Peer, type ScratchAuthority, withAuthority } from './peer.ts'
import { pinOf } from './pins.ts'
import { trialClient } from './trialClient.ts'

const HOST = 'pinned.canary.invalid'
const CALLER = { module: 'probe', tenant: null, purpose: 'probe' }

const ARRIVED = ['200', 'the body']
const REFUSED = ['egress-pin', 'nothing']

/** Points the client in use at a server of the probe's own whose identity is the wrong one, in one way at a time. */
export async function attackPins(
  { check, positiveControl }: ProbeContext<unknown>,
  live: EgressParts,
  { ca, leaf }: ScratchAuthority,
): Promise<void> {
  const genuine = await leaf(HOST)
  const middle = await leaf(HOST)
  const stranger = await withAuthority((other) => other.leaf(HOST))
  const pins = [genuine, stranger].map(({ cert }) => pinOf(new X509Certificate(cert)))
  const peer = await openPeer(genuine)
  try {
    const ours = clientOf(live, peer, ca, pins)
    positiveControl('the server with the agreed key', ARRIVED, await seen(peer, ours))
    peer.become(middle)
    const without = clientOf(live, peer, ca, [])
    positiveControl(
      'a trusted certificate with another key, where none was agreed',
      ARRIVED,
      await seen(peer, without),
    )
    check('a trusted certificate with another key', REFUSED, await seen(peer, ours))
    const naive = naiveClient(peer, ca, pins)
    const fooled = await resumed(peer, [genuine, middle], naive)
    positiveControl('a client that keeps sessions, when one in the middle resumes one', ARRIVED, fooled)
    check('one in the middle who resumes a session', REFUSED, await resumed(peer, [genuine, middle], ours))
    peer.become(stranger)
    const [refusal, taken] = await seen(peer, ours)
    check('an agreed key in a certificate that is not trusted', [true, 'nothing'], [refusal !== '200', taken])
  } finally {
    await peer.close()
  }
}

type Call = () => Promise<string>

/** What became of a call, and what reached the server. */
async function seen(peer: Peer, call: Call): Promise<string[]> {
  peer.taken()
  const became = await call().catch((error: { code?: string }) => error.code ?? 'error')
  return [became, peer.taken()]
}

async function resumed(peer: Peer, [first, then]: readonly [Leaf, Leaf], call: Call): Promise<string[]> {
  peer.become(first)
  await call()
  peer.become(then)
  return seen(peer, call)
}

function clientOf(live: EgressParts, { port }: Peer, ca: string, pins: readonly string[]): Call {
  const client = trialClient(live, { host: HOST, port, module: 'probe', ca, pins })
  // The peer ends each connection, so that no client needs closing and all of its calls are made by the same one.
  return async () => {
    const answer = await client.fetch(CALLER, `https://${HOST}:${port}/`, { method: 'POST', body: BODY })
    await answer.text()
    return String(answer.status)
  }
}

/** What is often taken for pinning: the key is compared where certificates are, and a resumed session shows none. */
function naiveClient(peer: Peer, ca: string, pins: readonly string[]): Call {
  const dispatcher = new Agent({
    connect: {
      ca,
      servername: HOST,
      checkServerIdentity(_host, certificate) {
        const pinned = pins.includes(pinOf(new X509Certificate(certificate.raw)))
        return pinned ? checkServerIdentity(HOST, certificate) : new Error('not pinned')
      },
    },
  })
  return async () => {
    const url = `https://127.0.0.1:${peer.port}/`
    const answer = await fetch(url, { method: 'POST', body: BODY, dispatcher })
    await answer.text()
    return String(answer.status)
  }
}
