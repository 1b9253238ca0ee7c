import { connect } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { SMTPServerOptions } from 'smtp-server'
import { type Measure, measure } from '../../../proof/measure.ts'
import type { MailApi } from '../index.ts'
import { openPeer, openStripper, type Peer, type PeerCertificates, withCertificates } from '../peers.ts'
import { openTransport, type SmtpOptions } from '../smtp.ts'

const NAME = 'mail.canary.invalid'
const OLD: SMTPServerOptions = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }

/** CAST-11. The transport that is in use, pointed at mail servers of the probe's own that are wrong in one way each. */
export function smtpStarttls(mail: MailApi): Measure {
  const host = mail.options?.host ?? null
  return measure({
    key: 'smtp.starttls',
    sources: ['CAST-11'],
    family: 'transfer',
    maps: { gdpr: ['32(1)(a)'], iso27001: ['A.5.14', 'A.8.24'] },
    settings: { host },
    claim: {
      de: () =>
        'E-Mails gehen nur über STARTTLS mit TLS 1.2 oder neuer an den Anbieter; ohne wird nichts gesendet.',
      en: () =>
        'Mail goes to the provider by STARTTLS with TLS 1.2 or newer only; without it nothing is sent.',
    },
    async prove({ check, positiveControl, notApplicable }) {
      const { options } = mail
      if (!options) return notApplicable('No mail server is named.')
      await withCertificates(async (certificates) => {
        const good = await certificates.leaf(NAME)
        const sound = await attempt(() => openPeer(good), options, certificates)
        positiveControl('a sound mail server', ['sent', 'a message over TLS'], sound)
        positiveControl('the server that speaks TLS 1.1 only is one', 'TLSv1.1', await oldProtocol(good))
        for (const [what, open] of await badPeers(certificates))
          check(what, ['not sent'], await attempt(open, options, certificates))
      })
      const transport = await openTransport(options)
      const reached = await transport.verify().then(
        () => 'over TLS',
        (error: Error) => error.message,
      )
      check(`the mail server of this deployment, ${options.host}`, 'over TLS', reached)
    },
  })
}

async function badPeers(certificates: PeerCertificates): Promise<[string, () => Promise<Peer>][]> {
  const good = await certificates.leaf(NAME)
  const other = await certificates.leaf('another.invalid')
  const stranger = await withCertificates(({ leaf }) => leaf(NAME))
  return [
    ['a server without STARTTLS', () => openPeer({ ...good, disabledCommands: ['STARTTLS'] })],
    ['a server whose STARTTLS is stripped on the way', () => openStripper()],
    ['a server that speaks TLS 1.1 only', () => openPeer({ ...good, ...OLD })],
    ['a server with the certificate of another name', () => openPeer(other)],
    ['a server with the certificate of an unknown authority', () => openPeer(stranger)],
  ]
}

/** Sends to a peer as the deployment would; what became of it and what the peer saw. */
async function attempt(
  open: () => Promise<Peer>,
  options: SmtpOptions,
  { ca }: PeerCertificates,
): Promise<string[]> {
  const peer = await open()
  try {
    const { auth: _credentials, ...others } = options // the real ones are not for a probe's peer
    const there = {
      ...others,
      host: '127.0.0.1',
      port: peer.port,
      tls: { ...options.tls, ca, servername: NAME },
    }
    const message = {
      from: 'probe@canary.invalid',
      to: 'probe@canary.invalid',
      subject: 'probe',
      text: 'probe',
    }
    const transport = await openTransport(there)
    const sent = await transport.sendMail(message).then(
      () => 'sent',
      () => 'not sent',
    )
    return [sent, ...peer.received]
  } finally {
    await peer.close()
  }
}

/** What an old client agrees on with the old peer: it must really be one that a careless transport would use. */
async function oldProtocol(leaf: { key: string; cert: string }): Promise<string> {
  const peer = await openPeer({ ...leaf, ...OLD })
  try {
    return await startTlsAsOldClient(peer.port)
  } finally {
    await peer.close()
  }
}

function startTlsAsOldClient(port: number): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const socket = connect(port, '127.0.0.1')
  let step = 0
  const answer = () => {
    step += 1
    if (step === 1) socket.write('EHLO probe\r\n')
    if (step === 2) socket.write('STARTTLS\r\n')
    if (step !== 3) return
    socket.off('data', answer)
    const secure = connectTls({
      socket,
      rejectUnauthorized: false,
      minVersion: 'TLSv1',
      ciphers: 'DEFAULT@SECLEVEL=0',
    })
    secure.once('secureConnect', () => {
      resolve(secure.getProtocol() ?? 'none')
      secure.destroy()
    })
    secure.once('error', reject)
  }
  socket.on('data', answer).once('error', reject)
  socket.setTimeout(5_000, () => reject(new Error('The old peer does not answer.')))
  return promise
}
