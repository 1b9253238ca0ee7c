import type { SettingsLayer } from '../../src/kernel/settings.ts'

/** Turns traces on; their collector is nowhere, so that they are dropped. */
export const TRACES: SettingsLayer = {
  egress: {
    register: [
      {
        name: 'Collector',
        purpose: 'traces',
        country: 'DE',
        hosts: ['traces.invalid'],
        modules: ['telemetry'],
      },
    ],
  },
  telemetry: { tracesUrl: 'https://traces.invalid/v1/traces' },
}
