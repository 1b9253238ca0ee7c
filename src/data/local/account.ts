import { execFileSync } from 'node:child_process'

/** The operating system's user that a server runs as. */
export interface Account {
  name: string
  uid: number
  gid: number
}

/** Whether this process may act for other users and install packages. */
export const isRoot = (): boolean => process.getuid?.() === 0

/** The first of `names` that exists on this machine, when running as root; else undefined: run as who we are. */
export function serverAccount(names: readonly string[]): Account | undefined {
  if (!isRoot()) return undefined
  for (const name of names) {
    const uid = numericId('-u', name)
    const gid = numericId('-g', name)
    if (uid !== undefined && gid !== undefined) return { name, uid, gid }
  }
  return undefined
}

function numericId(flag: '-u' | '-g', name: string): number | undefined {
  try {
    return Number(execFileSync('id', [flag, name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }))
  } catch {
    return undefined
  }
}
