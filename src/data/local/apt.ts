import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
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

function aptGet(args: readonly string[]): Promise<{ code: number | null; output: string }> {
  const child = spawn('apt-get', [...OPTIONS, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C.UTF-8' },
    // A Ctrl-C must not stop dpkg half-way: it would leave the machine's package database to be repaired by hand.
    detached: true,
  })
  let output = ''
  const keep = (chunk: Buffer): void => {
    output = (output + chunk).slice(-20_000)
  }
  child.stdout.on('data', keep)
  child.stderr.on('data', keep)
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, output }))
  })
}

const tail = (output: string): string => output.trimEnd().split('\n').slice(-8).join('\n')
