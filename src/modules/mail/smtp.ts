import { createTransport, type Transporter } from 'nodemailer'
import type SMTPTransport from 'nodemailer/lib/smtp-transport'

/** A message to one person. */
export interface Message {
  to: string
  subject: string
  text: string
}

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
}): SmtpOptions {
  const { host, port, user, password, ca } = server
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
    tls: { minVersion: 'TLSv1.2', rejectUnauthorized: true, ...(ca ? { ca } : {}) },
  }
}

/** A transport for one message. */
export function openTransport(options: SmtpOptions): Transporter<SMTPTransport.SentMessageInfo> {
  return createTransport(options)
}
