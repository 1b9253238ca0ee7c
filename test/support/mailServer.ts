import { mkdtempSync, rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { SMTPServer } from 'smtp-server'
import { authorityFile, keepLocalAuthority, openLocalAuthority } from '../../src/modules/edge/index.ts'

/** A message as it arrived; `body` as text, soft line breaks undone. */
export interface Arrived {
  to: string[]
  body: string
  secure: boolean
}

/** A mail server of a test's own, with a certificate of an authority of its own. */
export interface MailServer {
  /** For the module mail. */
  settings: { host: string; port: number; caFileName: string }
  /** What arrived, in order. */
  mails: Arrived[]
  /** The next message that satisfies `wanted`, also when it came already; each is given once. */
  take(wanted: (mail: Arrived) => boolean): Promise<Arrived>
  close(): Promise<void>
}

export async function openMailServer(): Promise<MailServer> {
  const folder = mkdtempSync(join(tmpdir(), 'mail-'))
  await keepLocalAuthority(folder)
  const mails: Arrived[] = []
  const waiting = new Set<() => void>()
  const server = new SMTPServer({
    ...(await openLocalAuthority(folder).certificateFor('localhost')),
    authOptional: true,
    onData(stream, { envelope, secure }, done) {
      text(stream).then((raw) => {
        const body = Buffer.from(decode(raw), 'latin1').toString()
        mails.push({ to: envelope.rcptTo.map(({ address }) => address), body, secure })
        for (const look of waiting) look()
        done()
      }, done)
    },
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const { port } = server.server.address() as AddressInfo
  return {
    settings: { host: 'localhost', port, caFileName: authorityFile(folder) },
    mails,
    take: (wanted) =>
      new Promise((resolve) => {
        const look = () => {
          const at = mails.findIndex(wanted)
          if (at < 0) return
          waiting.delete(look)
          resolve(mails.splice(at, 1)[0] as Arrived)
        }
        waiting.add(look)
        look()
      }),
    async close() {
      await new Promise<void>((closed) => server.close(() => closed()))
      rmSync(folder, { recursive: true })
    },
  }
}

/** Quoted-printable (RFC 2045 §6.7), as nodemailer writes text. */
function decode(raw: string): string {
  return raw
    .replaceAll(/=\r\n/g, '')
    .replaceAll(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}
