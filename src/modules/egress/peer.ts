import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer } from 'node:tls'
import { authorityFile, keepLocalAuthority, openLocalAuthority } from '../edge/index.ts'

/** PEM. */
export interface Leaf {
  key: string
  cert: string
}

/** What a client posts to a peer. */
export const BODY = 'a body that must not reach the wrong server'

/** A server on this machine that answers 200 to `BODY`, and may change its identity. */
export interface Peer {
  port: number
  /** From now on new connections are shown `leaf`; sessions of before can be resumed all the same. */
  become(leaf: Leaf): void
  /** What it was sent inside TLS since the last call. */
  taken(): 'nothing' | 'the body' | 'something else'
  close(): Promise<void>
}

/** Opens a peer on 127.0.0.1. */
export async function openPeer(leaf: Leaf): Promise<Peer> {
  const ticketKeys = randomBytes(48)
  let text = ''
  const server = createServer({ ...leaf, ticketKeys }, (socket) => {
    socket.on('error', () => socket.destroy())
    socket.on('data', (data) => {
      text += data
      if (text.endsWith(BODY))
        socket.end('HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok')
    })
  })
  server.on('tlsClientError', (_error, socket) => socket.destroy())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    become: (other) => server.setSecureContext({ ...other, ticketKeys }),
    taken() {
      const taken = text
      text = ''
      return taken === '' ? 'nothing' : taken.endsWith(BODY) ? 'the body' : 'something else'
    },
    close: () => new Promise((closed) => server.close(() => closed())),
  }
}

/** An authority that exists for one probe. */
export interface ScratchAuthority {
  ca: string
  /** A certificate for `host` with a key of its own, at each call another. */
  leaf(host: string): Promise<Leaf>
}

/** Makes an authority, runs `work`, and removes it. */
export async function withAuthority<T>(work: (authority: ScratchAuthority) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'surety-egress-'))
  try {
    await keepLocalAuthority(folder)
    const ca = await readFile(authorityFile(folder), 'utf8')
    return await work({ ca, leaf: (host) => openLocalAuthority(folder).certificateFor(host) })
  } finally {
    await rm(folder, { recursive: true })
  }
}
