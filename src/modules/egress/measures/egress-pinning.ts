import { type Measure, measure } from '../../../proof/measure.ts'
import { attackGate } from '../attackGate.ts'
import { attackPins } from '../attackPins.ts'
import { attackSockets } from '../attackSockets.ts'
import type { EgressParts } from '../client.ts'
import { withAuthority } from '../peer.ts'
import { pinsToRenew, type Register } from '../register.ts'

const YEARS = 50 * 365 * 86_400_000

interface Claimed {
  /** With whom keys were agreed. */
  names: string[]
  /** Then what is not registered is called all the same, and the claim is silent about it. */
  reportOnly: boolean
}

/** PREZ-17, LARA-13. The client in use, pointed at servers of the probe's own; then the gate and any proxy in use. */
export function egressPinning(parts: EgressParts, register: Register): Measure<Claimed> {
  return measure<Claimed>({
    key: 'egress.pinning',
    sources: ['PREZ-17', 'LARA-13'],
    family: 'transfer',
    maps: { gdpr: ['32(1)(a)'], iso27001: ['A.5.14', 'A.8.22', 'A.8.24'] },
    settings: {
      names: register.filter(({ pins }) => pins).map(({ name }) => name),
      reportOnly: parts.rules.reportOnly,
    },
    claim: {
      de: ({ names, reportOnly }) =>
        `Aufrufe an ${names.join(', ')} gehen nur an Server, deren öffentlicher Schlüssel oder der ihres Ausstellers vereinbart ist (Pinning)${reportOnly ? '.' : '; Server, die nicht im Register der Unterauftragsverarbeiter stehen, rufen wir nicht auf.'}`,
      en: ({ names, reportOnly }) =>
        `Calls to ${names.join(', ')} go only to servers whose public key, or their issuer's, was agreed (pinning)${reportOnly ? '.' : '; we call no server that is not in the register of sub-processors.'}`,
    },
    async prove(context) {
      const { check, positiveControl, notApplicable, clock, settings } = context
      if (settings.names.length === 0) notApplicable('No sub-processor of the register has agreed keys.')
      await withAuthority(async (authority) => {
        await attackPins(context, parts, authority)
        if (!settings.reportOnly) await attackSockets(context, parts, authority)
      })
      if (!settings.reportOnly) await attackGate(context, parts, register)
      const ended = (ahead: number) => pinsToRenew(register, clock.now(), ahead)
      check('whose agreed keys have ended', [], ended(0))
      positiveControl('whose will have ended in fifty years', settings.names, ended(YEARS))
    },
  })
}
