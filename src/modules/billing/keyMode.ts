import type { Contradiction, SettingsTree } from '../../kernel/module.ts'
import { type BillingSettings, modeOf } from './settings.ts'

/** Real money in production alone, and no test payments there that would pass for money. */
export function contradictingMode({ key }: BillingSettings, all: SettingsTree): Contradiction[] {
  if (!key) return []
  const { environment } = all.runtime as { environment: string }
  const mode = modeOf(key)
  if ((environment === 'production') === (mode === 'live')) return []
  const why =
    mode === 'live'
      ? `a live_ key moves real money, which ${environment} must not; give a test_ key.`
      : 'with a test_ key everybody could pay with pretended money in production; give the live_ key.'
  return [{ settings: ['billing.key', 'runtime.environment'], why }]
}
