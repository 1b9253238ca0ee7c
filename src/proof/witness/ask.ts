import { request as plainRequest } from 'node:http'
import { request as tlsRequest } from 'node:https'
import { text } from 'node:stream/consumers'

/** Milliseconds that a witness may take. */
const PATIENCE = 5_000

/**
 * Sends `body` to a witness's `add-checkpoint`. `address`: its submission prefix, `https://…`, `http://…`, or
 * `unix:<path of a socket>` for one on this machine. Rejects when nobody answers.
 */
export async function askWitness(address: string, body: string): Promise<{ status: number; body: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; body: string }>()
  const options = {
    method: 'POST',
    headers: { 'content-type': 'text/plain; charset=utf-8', 'content-length': Buffer.byteLength(body) },
    signal: AbortSignal.timeout(PATIENCE),
  }
  const sent = address.startsWith('unix:')
    ? plainRequest({ ...options, socketPath: address.slice('unix:'.length), path: '/add-checkpoint' })
    : (address.startsWith('https:') ? tlsRequest : plainRequest)(
        `${address.replace(/\/+$/, '')}/add-checkpoint`,
        options,
      )
  sent.once('error', reject)
  sent.once('response', (answer) => {
    text(answer).then((answered) => resolve({ status: answer.statusCode ?? 0, body: answered }), reject)
  })
  sent.end(body)
  return promise
}

/** The body of a request. `note` may carry further signatures. */
export function addCheckpointRequest(old: number, proof: readonly Uint8Array[], note: string): string {
  const lines = proof.map((hash) => `${Buffer.from(hash).toString('base64')}\n`).join('')
  return `old ${old}\n${lines}\n${note}`
}
