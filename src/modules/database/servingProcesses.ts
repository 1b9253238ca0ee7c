import { readdirSync, readFileSync } from 'node:fs'
import type { Program } from '../../kernel/module.ts'

/** Names of the environment variables that hand a process more than the app role. */
const PRIVILEGED = /^SURETY_STORES__(MIGRATOR|SEALER)_[^=]*/

/** A process of this machine that answers HTTP for the deployment, and the privileged names in its environment. */
export interface ServingProcess {
  pid: number
  privileged: string[]
}

/** Looks through /proc; undefined where there is none, or where another user's processes cannot be read. */
export function findServingProcesses({ args }: Pick<Program, 'args'>): ServingProcess[] | undefined {
  try {
    return readdirSync('/proc')
      .map(Number)
      .filter((pid) => pid > 0 && serves(pid, args.at(-1) as string))
      .map((pid) => ({ pid, privileged: privilegedNames(pid) }))
  } catch {
    return undefined
  }
}

function serves(pid: number, main: string): boolean {
  const words = read(pid, 'cmdline')
  const at = words.indexOf(main)
  return at > 0 && words[at + 1] === 'serve'
}

function privilegedNames(pid: number): string[] {
  return read(pid, 'environ').flatMap((entry) => PRIVILEGED.exec(entry)?.[0] ?? [])
}

function read(pid: number, file: 'cmdline' | 'environ'): string[] {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8').split('\0')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ESRCH') return [] // it ended meanwhile
    if (file === 'cmdline') return []
    throw error
  }
}
