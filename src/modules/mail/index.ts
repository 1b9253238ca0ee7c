import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { readSecret } from '../../data/secrets.ts'
import { defineModule } from '../../kernel/module.ts'
import { edge } from '../edge/index.ts'
import { egress } from '../egress/index.ts'
import { smtpStarttls } from './measures/smtp-starttls.ts'
import { type Message, openTransport, type SmtpOptions, smtpOptions } from './smtp.ts'

/** What other modules get from mail. */
export interface MailApi {
  /** How the mail server is reached; null when none is named. */
  options: SmtpOptions | null
  /**
   * Hands one message to the mail server, over TLS or not at all. Resolves to false, with a line in the log, when it
   * could not be handed over or no server is named: a caller that must not lose it keeps it and tries again.
   */
  send(message: Message): Promise<boolean>
}

/** Mail to people, through the deployment's mail server. */
export const mail = defineModule({
  name: 'mail',
  needs: { edge, egress },
  settings: z.object({
    /** The provider's server for submission (RFC 6409); none: nothing is sent. */
    host: z.string().min(1).optional(),
    port: z.number().int().min(1).max(65_535).default(587),
    user: z.string().optional(),
    passwordFileName: z.string().optional(),
    from: z.email().default('noreply@localhost.invalid'),
    /** PEM; only for a server whose certificate is not signed by a public authority. */
    caFileName: z.string().optional(),
  }),
  contradictions: (own) =>
    own.host && own.user && !own.passwordFileName
      ? [{ settings: ['mail.user', 'mail.passwordFileName'], why: 'a user needs a password.' }]
      : [],
  async start({ settings, log }, { egress: wayOut }) {
    const { host, port, user, passwordFileName, caFileName } = settings
    const password = passwordFileName ? readSecret(passwordFileName) : undefined
    const ca = caFileName ? readFileSync(caFileName, 'utf8') : undefined
    const options = host ? smtpOptions({ host, port, user, password, ca, wayOut }) : null
    const api: MailApi = {
      options,
      async send(message) {
        // Probes' people have addresses like these: no server can deliver them (RFC 6761 §6.4).
        if (/[@.]invalid$/i.test(message.to)) return false
        if (!options) {
          log.warn({ subject: message.subject }, 'no mail server is named; nothing was sent')
          return false
        }
        try {
          await (await openTransport(options)).sendMail({ from: settings.from, ...message })
          return true
        } catch (error) {
          log.error({ err: error, subject: message.subject }, 'mail was not handed over')
          return false
        }
      },
    }
    return { api, measures: [smtpStarttls(api)] }
  },
})
