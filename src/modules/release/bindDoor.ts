import { lookup } from 'node:dns/promises'
import { BoundSocket } from 'node:net'

/** The sockets of the front door, held by a process that takes no connection from them. */
export interface BoundDoor {
  port: number
  httpPort: number
  /** For HTTPS and for HTTP: whoever gets them listens there, also beside another who does. */
  descriptors: readonly [number, number]
  close(): void
}

/**
 * Binds the ports of the front door, so that processes that follow each other listen at the same sockets and refuse
 * nobody in between. Undefined where sockets cannot be handed on: on Windows, and before Node 24.19.
 */
export async function bindDoor(at: {
  bind: string
  port: number
  httpPort: number
}): Promise<BoundDoor | undefined> {
  if (process.platform === 'win32' || !BoundSocket) return undefined
  const { address: host } = await lookup(at.bind)
  const secure = new BoundSocket({ host, port: at.port })
  const plain = new BoundSocket({ host, port: at.httpPort })
  return {
    port: secure.address().port,
    httpPort: plain.address().port,
    descriptors: [secure.fd(), plain.fd()],
    close() {
      secure.close()
      plain.close()
    },
  }
}
