import type { Transporter } from 'nodemailer'
import type SMTPTransport from 'nodemailer/lib/smtp-transport'
import type { EgressApi } from '../egress/index.ts'

/** A message to one person. */
export interface Message {
  to: string
  subject: string
  text: string
}

/** Leads to mail servers that somebody else runs. */
type WayOut = Pick<EgressApi, 'leadsTo' | 'tunnel' | 'checkServerIdentity'>

/** How a mail server is reached. */
export type SmtpOptions = SMTPTransport.Options & { tls: NonNullable<SMTPTransport.Options['tls']> }

/**
 * Submission by STARTTLS (RFC 3207) that never falls back: without an offer, without TLS 1.2 or with a certificate that
 * is not the host's, no mail leaves (RFC 8314 §3).
 */
export function smtpOptions(server: {
  host: string
  port: number
  user?: string | undefined
  password?: string | undefined
  ca?: string | undefined
  wayOut: WayOut
}): SmtpOptions {
  const { host, port, user, password, ca, wayOut } = server
  return {
    host,
    port,
    secure: false, // begins in the clear, as STARTTLS does
    requireTLS: true,
    connectionTimeout: 10_000,
    greetingTimeout: 10_000,
    socketTimeout: 20_000,
    disableFileAccess: true,
    disableUrlAccess: true,
    ...(user && password ? { auth: { user, pass: password } } : {}),
    // A server in the register is reached by the way out; one of our own network is not in it.
    getSocket({ host: to = '', port: at }, done) {
      if (!wayOut.leadsTo('mail', to, Number(at))) return done(null, false)
      wayOut.tunnel({ module: 'mail', tenant: null, purpose: 'mail.send' }, `${to}:${at}`).then(
        (connection) => done(null, { connection }),
        (error: Error) => done(error, false),
      )
    },
    tls: {
      minVersion: 'TLSv1.2',
      rejectUnauthorized: true,
      checkServerIdentity: wayOut.checkServerIdentity,
      ...(ca ? { ca } : {}),
    },
  }
}

/** A transport for one message. The library is loaded with the first one. */
export async function openTransport(
  options: SmtpOptions,
): Promise<Transporter<SMTPTransport.SentMessageInfo>> {
  const { createTransport } = await import('nodemailer')
  return createTransport(options)
}
