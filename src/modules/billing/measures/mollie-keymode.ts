import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import type { Program } from '../../../kernel/module.ts'
import { type Measure, measure } from '../../../proof/measure.ts'

/** Keys of the right form that were never given out. */
const KEYS = { live: 'live_AKeyThatOpensNothingAtAll', test: 'test_AKeyThatOpensNothingAtAll' }
const ENVIRONMENTS = ['production', 'staging', 'development'] as const

/** CAST-50. Starts this program once for each environment and kind of key. */
export function mollieKeymode(
  mode: 'live' | 'test' | null,
  environment: string,
  program: Program,
): Measure<{ mode: 'live' | 'test' | null; environment: string }> {
  return measure({
    key: 'mollie.keymode',
    sources: ['CAST-50'],
    family: 'separation',
    maps: { gdpr: ['32(1)(b)'], iso27001: ['A.8.31'] },
    settings: { mode, environment },
    timeout: 300_000,
    claim: {
      de: () =>
        'Zahlungen laufen nur in der Produktion mit einem echten Schlüssel von Mollie (live_), überall sonst nur mit einem Testschlüssel (test_); mit dem falschen startet die Anwendung nicht.',
      en: () =>
        'Payments run with a real key of Mollie (live_) in production only, and with a test key (test_) everywhere else; with the wrong one the application does not start.',
    },
    async prove({ check, positiveControl, signal }) {
      for (const purpose of ENVIRONMENTS) {
        const [right, wrong] =
          purpose === 'production' ? (['live', 'test'] as const) : (['test', 'live'] as const)
        positiveControl(
          `a start in ${purpose} with a ${right}_ key`,
          'runs',
          await start(program, purpose, KEYS[right], signal),
        )
        check(
          `a start in ${purpose} with a ${wrong}_ key`,
          'refused, names billing.key and runtime.environment',
          await start(program, purpose, KEYS[wrong], signal),
        )
      }
      check(
        'the key that is in use here',
        mode === null ? 'none' : environment === 'production' ? 'live' : 'test',
        mode ?? 'none',
      )
    },
  })
}

/** Starts the whole platform as a command line does that lists the modules' commands and ends. */
async function start(
  { args, env }: Program,
  purpose: string,
  key: string,
  signal: AbortSignal,
): Promise<string> {
  const own = Object.entries(env).filter(
    ([name]) => !/__(MIGRATOR|SEALER)_|^SURETY_BILLING__|^SURETY_RUNTIME__ENVIRONMENT$|^NODE_ENV$/.test(name),
  )
  const child = spawn(process.execPath, [...args, 'run'], {
    env: { ...Object.fromEntries(own), NODE_ENV: purpose, SURETY_BILLING__KEY: key, LOG_LEVEL: 'silent' },
    stdio: ['ignore', 'ignore', 'pipe'],
    signal,
  })
  const [said, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')])
  if (code === 0) return 'runs'
  return said.includes('billing.key and runtime.environment')
    ? 'refused, names billing.key and runtime.environment'
    : `ends with ${code}: ${said.slice(0, 200)}`
}
