import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { defineProblem } from '../../kernel/problems.ts'
import { isRoot } from './account.ts'

const aptFailed = defineProblem({
  code: 'package-install-failed',
  status: 500,
  title: 'A system package is missing',
})

const PROGRESS_MS = 10_000
const OPTIONS = ['-q', '-y', '-o', 'DPkg::Lock::Timeout=120', '-o', 'Dpkg::Options::=--force-confold']

/** Whether system packages can be installed without asking anybody: root on Debian or a system made from it. */
export function canInstallPackages(): boolean {
  return isRoot() && existsSync('/etc/debian_version') && existsSync('/usr/bin/apt-get')
}

/**
 * Installs Debian packages without their recommended ones, saying through `log` what is happening. Throws a Problem with
 * apt's last lines.
 */
export async function installPackages(
  packages: readonly string[],
  log: (line: string) => void,
): Promise<void> {
  const began = Date.now()
  const seconds = (): number => Math.round((Date.now() - began) / 1000)
  log(`Installing ${packages.join(', ')} (apt-get) …`)
  const progress = setInterval(() => log(`… still installing (${seconds()} s)`), PROGRESS_MS)
  try {
    await update()
    const { code, output } = await aptGet(['install', '--no-install-recommends', ...packages])
    if (code !== 0) throw aptFailed(`apt-get install ${packages.join(' ')} failed:\n${tail(output)}`)
    log(`Installed in ${seconds()} s.`)
  } finally {
    clearInterval(progress)
  }
}

/** apt does not wait for the lock of its lists, so this tries again; old lists may still do, so it goes on in any case. */
async function update(): Promise<void> {
  for (let attempt = 1; attempt <= 5; attempt++) {
    const { code, output } = await aptGet(['update'])
    if (code === 0 || !output.includes('Could not get lock')) return
    await sleep(attempt * 2_000)
  }
}

/** Its own process group and a file for its output: a Ctrl-C or our end must not stop dpkg half-way. */
async function aptGet(args: readonly string[]): Promise<{ code: number | null; output: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'surety-apt-'))
  const file = join(folder, 'output')
  const log = openSync(file, 'w')
  try {
    const child = spawn('apt-get', [...OPTIONS, ...args], {
      stdio: ['ignore', log, log],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C.UTF-8' },
      detached: true,
    })
    const [code] = (await once(child, 'exit')) as [number | null]
    return { code, output: readFileSync(file, 'utf8') }
  } finally {
    closeSync(log)
    rmSync(folder, { recursive: true })
  }
}

const tail = (output: string): string => output.trimEnd().split('\n').slice(-8).join('\n')
