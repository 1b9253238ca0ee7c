import pc from 'picocolors'
import { createLog } from '../kernel/log.ts'
import type { Evidence } from '../proof/measure.ts'
import { runningEnvironment } from './environment.ts'
import { startPlatform } from './platform.ts'

/**
 * Runs the probes (one with `measure`), prints what was seen, and resolves to the exit code: 0 when nothing failed, 1
 * otherwise. `json` prints the public answer instead.
 */
export async function prove(options: { measure?: string; json?: boolean }): Promise<number> {
  const log = createLog({ name: 'prove', level: 'error' })
  const platform = await startPlatform({ log, environment: runningEnvironment() })
  try {
    const keys = options.measure ? [options.measure] : platform.proof.measures().map(({ key }) => key)
    let red = 0
    for (const [done, key] of keys.entries()) {
      if (!options.json && process.stdout.isTTY)
        process.stdout.write(pc.dim(`${done + 1}/${keys.length} ${key} …\r`))
      const evidence = await platform.proof.run(key)
      if (evidence.outcome === 'failed' || evidence.outcome === 'error') red += 1
      if (!options.json) print(evidence)
    }
    if (options.json) console.log(JSON.stringify(await platform.proof.results(), null, 2))
    else
      console.log(
        red === 0 ? pc.green(`\n${keys.length} probed, none red`) : pc.red(`\n${red} of ${keys.length} red`),
      )
    return red === 0 ? 0 : 1
  } finally {
    await platform.stop()
  }
}

function print({ measure, outcome, reason, checks, claim }: Evidence): void {
  const colour =
    outcome === 'proven' ? pc.green : outcome === 'failed' || outcome === 'error' ? pc.red : pc.yellow
  const passed = checks.filter(({ ok }) => ok).length
  console.log(
    `${colour(outcome.padEnd(15))}${measure.padEnd(26)}${pc.dim(`${passed}/${checks.length} checks`)}  ${claim.en}`,
  )
  if (outcome !== 'proven' && reason) console.log(`${' '.repeat(15)}${reason}`)
  for (const { what, expected, observed, ok } of checks) {
    if (!ok)
      console.log(
        `${' '.repeat(15)}${pc.red('✕')} ${what}: expected ${JSON.stringify(expected)}, saw ${JSON.stringify(observed)}`,
      )
  }
}
