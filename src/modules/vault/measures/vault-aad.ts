import { newId } from '../../../kernel/ids.ts'
import { type Measure, measure } from '../../../proof/measure.ts'
import type { Tenant } from '../../tenancy/index.ts'
import { canary } from '../canary.ts'
import { type CanaryRow, outcomeOf, type ProbeParts, removeAccount, store, withToken } from '../probing.ts'

/** CAST-16. */
export function vaultAad({ sealing, canaries, alerts }: ProbeParts): Measure {
  return measure({
    key: 'vault.aad',
    sources: ['CAST-16'],
    family: 'encryption',
    maps: { gdpr: ['32(1)(a)', '32(1)(b)'], iso27001: ['A.8.24'] },
    claim: {
      de: () =>
        'Jedes verschlüsselte Token ist an Kunde, Konto und Plattform gebunden (AAD tenantId:socialAccountId:platform): an eine andere Stelle kopiert, lässt es sich nicht entschlüsseln und löst einen Alarm aus.',
      en: () =>
        'Every encrypted token is bound to customer, account and platform (AAD tenantId:socialAccountId:platform): copied elsewhere it does not decrypt, and raises an alert.',
    },
    async prove({ check, positiveControl }) {
      for (const { model, a, b } of await canaries()) {
        await withToken(sealing, a, async ({ row }) => {
          const { socialAccountId, platform, accessToken } = row
          positiveControl(
            `${model}: the token at its own place`,
            'opened',
            await outcomeOf(sealing.open(a, canary, row)),
          )
          // Sealing once for the other tenant gives it a key to try with.
          await sealing.seal(b, canary, { socialAccountId, platform, accessToken: newId() })
          const moves: [string, Tenant, Partial<CanaryRow>][] = [
            ['another account', a, { socialAccountId: newId(), platform, accessToken }],
            ['another platform', a, { socialAccountId, platform: 'bluesky', accessToken }],
            ['another tenant', b, { socialAccountId, platform, accessToken }],
            ['another field', a, { socialAccountId: newId(), platform, refreshToken: accessToken }],
          ]
          for (const [place, tenant, values] of moves) {
            const before = alerts()
            const outcome = await move(tenant, values, (moved) => sealing.open(tenant, canary, moved))
            check(`${model}: the token copied to ${place}`, 'vault-refused', outcome)
            check(`${model}: alerts raised by that`, 1, alerts() - before)
          }
        })
      }
    },
  })
}

async function move(
  tenant: Tenant,
  { socialAccountId = '', platform = '', ...tokens }: Partial<CanaryRow>,
  open: (moved: CanaryRow) => Promise<unknown>,
): Promise<string> {
  try {
    return await outcomeOf(open(await store(tenant, { socialAccountId, platform }, tokens)))
  } finally {
    await removeAccount(tenant, socialAccountId)
  }
}
