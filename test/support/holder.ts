import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { moduleArgs } from './fast.ts'

/** A Node process running `source` (an ES module); resolves when it has printed its first line. */
export async function startHolder(
  source: string,
  args: readonly string[],
  env: Record<string, string | undefined> = process.env,
): Promise<{ process: ChildProcess; firstLine: string }> {
  const holder = spawn(process.execPath, moduleArgs(source, ...args), {
    stdio: ['ignore', 'pipe', 'inherit'],
    env,
  })
  const [firstLine] = await once(createInterface(holder.stdout), 'line')
  return { process: holder, firstLine }
}

/** Ends a process as `kill -9` does and waits until it is gone. */
export async function killHard(process: ChildProcess): Promise<void> {
  const gone = once(process, 'exit')
  process.kill('SIGKILL')
  await gone
}

/** Whether the process `pid` runs. A zombie does not: it has no arguments any more. */
export function isRunning(pid: number): boolean {
  try {
    if (existsSync('/proc/self/cmdline')) return readFileSync(`/proc/${pid}/cmdline`, 'utf8') !== ''
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

/** Waits until `condition` holds; throws after `seconds`. */
export async function until(condition: () => boolean, seconds = 20): Promise<void> {
  for (let left = seconds * 50; !condition(); left--) {
    if (left === 0) throw new Error(`still not so after ${seconds} s: ${condition}`)
    await sleep(20)
  }
}
