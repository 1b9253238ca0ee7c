import { existsSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { sealOf } from './files.ts'

const SEAL = /^\{"seal":"([\w-]{43})"\}$/

/**
 * `whole`: every block carries its seal. `altered`: a line was changed, moved or taken out. `cut`: lines at the end are
 * missing, or the file is. `unsealed`: whole, but for lines at the end that a crash left without a seal, or that are just
 * being written.
 */
export type Integrity = 'whole' | 'altered' | 'cut' | 'unsealed'

/**
 * Checks the seals of a log file. `name` is what the file was called when it was written; `head` is a seal that is known
 * to have been written to it.
 */
export function verifyLogFile(
  file: string,
  key: string,
  { name = basename(file), head }: { name?: string; head?: string | undefined } = {},
): Integrity {
  if (!existsSync(file)) return 'cut'
  let before = name
  let block = ''
  let headSeen = head === undefined
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    const [, seal] = SEAL.exec(line) ?? []
    if (seal === undefined) {
      block += `${line}\n`
      continue
    }
    if (seal !== sealOf(key, before, block)) return 'altered'
    if (seal === head) headSeen = true
    before = seal
    block = ''
  }
  if (!headSeen) return 'cut'
  // After the last line end stands nothing.
  return block === '\n' ? 'whole' : 'unsealed'
}
