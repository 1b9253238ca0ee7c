import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

const PATIENCE_MS = 30_000

/**
 * Ends the server that an earlier, killed process of ours left on these files, if it still runs or is still shutting
 * down, and removes its stale `pidFile`. Call only while holding the claim on the files. A pid that now belongs to
 * another program is recognised: its command line does not have `folder` as an argument.
 */
export async function endOrphan(options: {
  pidFile: string
  folder: string
  polite: NodeJS.Signals
  log: (line: string) => void
}): Promise<void> {
  const { pidFile, folder, polite, log } = options
  if (!existsSync(pidFile)) return
  const pid = Number.parseInt(readFileSync(pidFile, 'utf8'), 10)
  if (runsOn(pid, folder)) {
    log(`Waiting for the server ${pid} of an earlier, killed run to end`)
    signal(pid, polite)
    for (const began = Date.now(); runsOn(pid, folder) && Date.now() - began < PATIENCE_MS; ) await sleep(50)
    if (runsOn(pid, folder)) signal(pid, 'SIGKILL')
    while (runsOn(pid, folder)) await sleep(50)
  }
  rmSync(pidFile, { force: true })
}

function runsOn(pid: number, folder: string): boolean {
  return pid > 0 && namesFolder(commandLine(pid), folder)
}

function namesFolder(command: string, folder: string): boolean {
  return command.includes('\0') ? command.split('\0').includes(folder) : command.includes(folder)
}

/** Empty when there is no such process, or only its zombie. */
function commandLine(pid: number): string {
  try {
    if (existsSync('/proc/self/cmdline')) return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
    return execFileSync('ps', ['-p', String(pid), '-o', 'command='], { encoding: 'utf8' })
  } catch {
    return ''
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
