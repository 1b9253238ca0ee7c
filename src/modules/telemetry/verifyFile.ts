import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { sealOf } from './files.ts'

const SEAL = /^\{"seal":"([\w-]{43})"\}$/

/**
 * `whole`: every block carries its seal. `altered`: a line was changed, moved or taken out. `unsealed`: whole, but for lines
 * at the end that a crash left without one, or that are just being written.
 */
export type Integrity = 'whole' | 'altered' | 'unsealed'

/** Checks the seals of a log file. `name` is what the file was called when it was written. */
export function verifyLogFile(file: string, key: string, name = basename(file)): Integrity {
  let before = name
  let block = ''
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    const [, seal] = SEAL.exec(line) ?? []
    if (seal === undefined) {
      block += `${line}\n`
      continue
    }
    if (seal !== sealOf(key, before, block)) return 'altered'
    before = seal
    block = ''
  }
  // After the last line end stands nothing.
  return block === '\n' ? 'whole' : 'unsealed'
}
