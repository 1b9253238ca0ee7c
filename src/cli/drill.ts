import type { Command } from 'commander'
import pc from 'picocolors'
import { type BackupApi, backup } from '../modules/backup/index.ts'
import { withPlatform } from './tenant.ts'

/** `surety drill`: the restore drill, now. Exit code 1 when it failed. */
export function addDrillCommand(program: Command): void {
  program
    .command('drill')
    .description('restore canaries from their newest backups, boot and compare; writes evidence')
    .action(() =>
      withPlatform(async ({ proof, api }) => {
        const began = new Date()
        const { outcome, reason } = await proof.run('restore.drill')
        for (const drill of await api(backup).drills(began)) show(drill)
        console.log(outcome === 'proven' ? pc.green(outcome) : pc.red(`${outcome}: ${reason}`))
        if (outcome !== 'proven') process.exitCode = 1
      }),
    )
}

function show({ slug, snapshotAt, phases, checks, rtoMs, rpoMs, largestRtoMs }: Report): void {
  console.log(pc.bold(`${slug}, data of ${snapshotAt}`))
  for (const [phase, ms] of Object.entries(phases))
    console.log(`  ${phase.padEnd(18)} ${String(ms).padStart(8)} ms`)
  for (const { what, ok } of checks) console.log(`  ${ok ? pc.green('✓') : pc.red('✕')} ${what}`)
  console.log(`  RTO ${rtoMs} ms (largest tenant: ${largestRtoMs} ms), RPO ${Math.round(rpoMs / 1_000)} s\n`)
}

type Report = Awaited<ReturnType<BackupApi['drills']>>[number]
