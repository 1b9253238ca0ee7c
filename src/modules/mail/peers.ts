import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { SMTPServerOptions } from 'smtp-server'
import { authorityFile, keepLocalAuthority, openLocalAuthority } from '../edge/index.ts'

/** A mail server of the probe's own, on this machine. */
export interface Peer {
  port: number
  /** What reached it: each message with whether it came over TLS, or words of the protocol that give a message away. */
  received: string[]
  close(): Promise<void>
}

/** Certificates of an authority that exists for one probe. */
export interface PeerCertificates {
  ca: string
  leaf(host: string): Promise<{ key: string; cert: string }>
}

/** Makes an authority, runs `work`, and removes it. */
export async function withCertificates<T>(work: (certificates: PeerCertificates) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'surety-peer-'))
  try {
    await keepLocalAuthority(folder)
    const { certificateFor } = openLocalAuthority(folder)
    return await work({ ca: await readFile(authorityFile(folder), 'utf8'), leaf: certificateFor })
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** A whole mail server. */
export async function openPeer(options: SMTPServerOptions): Promise<Peer> {
  const { SMTPServer } = await import('smtp-server')
  const received: string[] = []
  const server = new SMTPServer({
    authOptional: true,
    disableReverseLookup: true,
    closeTimeout: 100,
    logger: false,
    ...options,
    onMailFrom(_address, session, done) {
      if (!session.secure) received.push('the sender, in the clear')
      done()
    },
    onData(stream, session, done) {
      stream.resume().once('end', () => {
        received.push(session.secure ? 'a message over TLS' : 'a message in the clear')
        done()
      })
    },
  })
  server.on('error', () => undefined) // a client that refuses the handshake is what is wanted
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const { port } = server.server.address() as AddressInfo
  return { port, received, close: () => new Promise<void>((closed) => server.close(() => closed())) }
}

/** One in the middle who offers STARTTLS and then says that it is not available. */
export async function openStripper(): Promise<Peer> {
  const received: string[] = []
  const server: Server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.write('220 peer ESMTP\r\n')
    socket.on('data', (data) => {
      for (const line of data.toString('latin1').split('\r\n').filter(Boolean)) {
        if (/^EHLO/i.test(line)) socket.write('250-peer\r\n250 STARTTLS\r\n')
        else if (/^STARTTLS/i.test(line)) socket.write('454 TLS not available\r\n')
        else {
          if (/^(MAIL|RCPT|DATA|AUTH)/i.test(line)) received.push(line.slice(0, 4))
          socket.write('250 ok\r\n')
        }
      }
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    received,
    close: () => new Promise<void>((closed) => server.close(() => closed())),
  }
}
