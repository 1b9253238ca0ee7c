import type { EgressClient } from '../egress/index.ts'
import type { MailApi } from '../mail/index.ts'
import type { Channel, News } from './alerts.ts'
import type { TelemetrySettings } from './settings.ts'

/** The ways to people that the settings name. */
export function channelsOf(
  { alertMail, alertWebhook }: Pick<TelemetrySettings, 'alertMail' | 'alertWebhook'>,
  { mail, egress }: { mail: MailApi; egress: EgressClient },
): Channel[] {
  return [
    ...(alertMail ? [byMail(mail, alertMail)] : []),
    ...(alertWebhook ? [byWebhook(egress, alertWebhook)] : []),
  ]
}

const byMail = (mail: MailApi, to: string): Channel => ({
  name: 'mail',
  async tell({ name, details }, turn) {
    const subject = turn === 'fired' ? `Alert: ${name}` : `Over: ${name}`
    if (!(await mail.send({ to, subject, text: JSON.stringify(details, null, 2) })))
      throw new Error('The mail server did not take it.')
  },
})

/** One POST of JSON; any 2xx takes it. */
const byWebhook = (egress: EgressClient, url: string): Channel => ({
  name: 'webhook',
  async tell(news, turn) {
    const caller = { module: 'telemetry', tenant: null, purpose: 'alert' }
    const answer = await egress.fetch(caller, url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(told(news, turn)),
    })
    await answer.text()
    if (!answer.ok) throw new Error(`The webhook answered ${answer.status}.`)
  },
})

const told = ({ name, details }: News, turn: 'fired' | 'cleared') => ({ alert: name, state: turn, details })
