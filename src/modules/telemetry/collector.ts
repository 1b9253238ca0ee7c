import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { gunzipSync } from 'node:zlib'

/** A server on this machine that takes what a collector of traces takes (OTLP over HTTP, JSON). */
export interface Collector {
  port: number
  /** The text of each body that came, unpacked, with the headers that it came with. */
  taken: { text: string; headers: Record<string, unknown> }[]
  /** What it answers from now on; null: nothing. */
  answer: { status: number; body: string } | null
  close(): Promise<void>
}

export async function openCollector(leaf: { key: string; cert: string }): Promise<Collector> {
  const server = createServer(leaf, async (request, response) => {
    const body = await buffer(request)
    const { status, body: text } =
      request.url === '/v1/traces' ? (collector.answer ?? {}) : { status: 404, body: '' }
    if (!status) return
    const { headers } = request
    if (status === 200) collector.taken.push({ text: gunzipSync(body).toString(), headers })
    response.writeHead(status, { 'content-type': 'application/json', connection: 'close' }).end(text)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const collector: Collector = {
    port: (server.address() as AddressInfo).port,
    taken: [],
    answer: { status: 200, body: '{}' },
    close: () =>
      new Promise((closed) => {
        server.close(() => closed())
        server.closeAllConnections()
      }),
  }
  return collector
}
