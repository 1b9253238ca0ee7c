import type { Contradiction, SettingsTree } from '../../kernel/module.ts'
import { type EgressSettings, isRegistered } from '../egress/index.ts'
import type { LimitsSettings } from '../limits/index.ts'
import type { TelemetrySettings } from './settings.ts'

/** Whom telemetry was told to reach, or to believe, and cannot. */
export function contradictions(own: TelemetrySettings, all: SettingsTree): Contradiction[] {
  const { alertMail, alertWebhook, errorsDsn, tracesUrl, traceparentTo, traceparentFromProxies } = own
  const { register } = all.egress as EgressSettings
  const { trustedProxies } = all.limits as LimitsSettings
  const found: Contradiction[] = []
  if (alertMail && !all.mail?.host)
    found.push({ settings: ['telemetry.alertMail', 'mail.host'], why: 'mail needs a server; name one.' })
  for (const [name, url] of Object.entries({ alertWebhook, errorsDsn, tracesUrl })) {
    if (!url) continue
    const { hostname, port } = new URL(url)
    if (isRegistered(register, hostname, Number(port || 443), 'telemetry')) continue
    const why = `${hostname} is not in the register for the module telemetry; add it.`
    found.push({ settings: [`telemetry.${name}`, 'egress.register'], why })
  }
  for (const host of traceparentTo) {
    if (register.some(({ hosts }) => hosts.includes(host))) continue
    const why = `${host} is not in the register, so nobody calls it.`
    found.push({ settings: ['telemetry.traceparentTo', 'egress.register'], why })
  }
  if (traceparentFromProxies && trustedProxies.length === 0)
    found.push({
      settings: ['telemetry.traceparentFromProxies', 'limits.trustedProxies'],
      why: 'no proxy is trusted; name those whose word counts.',
    })
  return found
}
