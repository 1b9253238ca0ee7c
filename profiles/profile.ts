import type { SettingsLayer } from '../src/kernel/settings.ts'

/** One deployment's security page: the settings it runs with, and every claim it makes. Pick the nearest and edit it. */
export interface Profile {
  name: string
  settings: SettingsLayer
  /** Row of the page to the key of the measure that proves it. */
  claims: Readonly<Record<string, string>>
}
