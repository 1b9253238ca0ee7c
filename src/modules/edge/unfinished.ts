import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { request } from 'node:https'
import { setTimeout as sleep } from 'node:timers/promises'

/** A request that is under way until somebody finishes it. */
export interface Unfinished {
  finish(): void
  /** Its status. */
  answer: Promise<number | 'cut off'>
}

/** Milliseconds until the other side has surely read the head. */
const HEAD_READ = 300

/** Begins a request to a process of this deployment whose body stays unfinished. */
export async function beginRequest(at: {
  bind: string
  port: number
  host: string
  authorityFile: string | undefined
}): Promise<Unfinished> {
  const sent = request({
    host: at.bind,
    port: at.port,
    method: 'POST',
    path: '/',
    agent: false,
    servername: at.host,
    headers: { host: at.host, 'content-type': 'application/json', 'content-length': '2' },
    ...(at.authorityFile ? { ca: readFileSync(at.authorityFile) } : {}),
  })
  const answer = new Promise<number | 'cut off'>((resolve) => {
    sent.once('error', () => resolve('cut off'))
    sent.once('response', (response) => {
      response.resume().once('end', () => resolve(response.statusCode ?? 0))
    })
  })
  sent.write('{')
  await once(sent, 'socket')
  await sleep(HEAD_READ)
  return { finish: () => void sent.end('}'), answer }
}
