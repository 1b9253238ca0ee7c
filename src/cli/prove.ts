import { clearLine, cursorTo } from 'node:readline'
import pc from 'picocolors'
import { createLog } from '../kernel/log.ts'
import type { Evidence } from '../proof/measure.ts'
import { runningEnvironment } from './environment.ts'
import { findProfile, type Platform, startPlatform } from './platform.ts'

/** Which probes to run, and how to show what they saw. */
export interface ProveOptions {
  measure?: string
  /** Only what this profile claims. */
  profile?: string
  json?: boolean
}

/**
 * Runs the probes, prints a line for each as it ends and below it what is under way, and resolves to the exit code: 0
 * when nothing failed, 1 otherwise. `json` prints the public answer instead.
 */
export async function prove(options: ProveOptions): Promise<number> {
  const claims = options.profile ? findProfile(options.profile).claims : undefined
  const log = createLog({ name: 'prove', level: 'error' })
  const platform = await startPlatform({ log, environment: runningEnvironment() })
  try {
    const known = platform.proof.measures().map(({ key }) => key)
    const promised = claims && new Set(Object.values(claims))
    const keys = options.measure ? [options.measure] : known.filter((key) => !promised || promised.has(key))
    const outcomes = await runAll(platform, keys, options.json !== true)
    const red = [...outcomes.values()].filter((outcome) => outcome === 'failed' || outcome === 'error').length
    if (options.json) console.log(JSON.stringify(await platform.proof.results(), null, 2))
    else {
      console.log(
        red === 0 ? pc.green(`\n${keys.length} probed, none red`) : pc.red(`\n${red} of ${keys.length} red`),
      )
      if (options.profile && claims) sumUp(options.profile, claims, outcomes, platform)
    }
    return red === 0 ? 0 : 1
  } finally {
    await platform.stop()
  }
}

async function runAll(
  { proof }: Platform,
  keys: readonly string[],
  shown: boolean,
): Promise<Map<string, Evidence['outcome']>> {
  const outcomes = new Map<string, Evidence['outcome']>()
  for (const key of keys) {
    const began = Date.now()
    const status = () =>
      pc.dim(`${outcomes.size + 1}/${keys.length}  ${key}  ${Math.round((Date.now() - began) / 1000)} s`)
    const live = shown && process.stdout.isTTY
    const ticking = live ? setInterval(() => showStatus(status()), 250) : undefined
    try {
      if (live) showStatus(status())
      const evidence = await proof.run(key)
      outcomes.set(key, evidence.outcome)
      if (live) showStatus('')
      if (shown) print(evidence, Date.now() - began)
    } finally {
      clearInterval(ticking)
    }
  }
  return outcomes
}

function showStatus(text: string): void {
  cursorTo(process.stdout, 0)
  clearLine(process.stdout, 0)
  process.stdout.write(text)
}

const INDENT = ' '.repeat(16)

function print({ measure, outcome, reason, checks, claim }: Evidence, took: number): void {
  const colour =
    outcome === 'proven' ? pc.green : outcome === 'failed' || outcome === 'error' ? pc.red : pc.yellow
  const passed = checks.filter(({ ok }) => ok).length
  const seconds = `${(took / 1000).toFixed(1)} s`.padStart(7)
  const head = `${outcome.padEnd(16)}${measure.padEnd(27)}${`${passed}/${checks.length}`.padStart(7)}${seconds}  `
  const room = (process.stdout.columns ?? 400) - head.length
  const sentence = claim.en.length > room ? `${claim.en.slice(0, Math.max(0, room - 1))}…` : claim.en
  console.log(colour(head.slice(0, 16)) + head.slice(16, 43) + pc.dim(head.slice(43)) + sentence)
  if (outcome !== 'proven' && reason) console.log(INDENT + reason)
  for (const { what, expected, observed, ok } of checks) {
    if (!ok)
      console.log(
        `${INDENT}${pc.red('✕')} ${what}: expected ${JSON.stringify(expected)}, saw ${JSON.stringify(observed)}`,
      )
  }
}

/** How much of a page stands: every claim by the outcome of its measure, and those that no measure proves yet. */
function sumUp(
  name: string,
  claims: Readonly<Record<string, string>>,
  outcomes: ReadonlyMap<string, string>,
  { settings }: Platform,
): void {
  const counts = new Map<string, number>()
  for (const key of Object.values(claims)) {
    const word = outcomes.get(key) ?? 'no measure yet'
    counts.set(word, (counts.get(word) ?? 0) + 1)
  }
  const parts = [...counts].map(([word, n]) => `${n} ${word}`)
  console.log(`${pc.bold(name)}: ${Object.keys(claims).length} claims: ${parts.join(', ')}`)
  const { profile } = settings.proof as { profile: string }
  if (profile !== name)
    console.log(pc.yellow(`What runs here has the settings of "${profile}", not of "${name}".`))
}
