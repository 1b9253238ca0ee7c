import { randomBytes } from 'node:crypto'
import { existsSync, linkSync, mkdirSync, readFileSync, statSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { defineProblem } from '../kernel/problems.ts'

const exposedSecret = defineProblem({
  code: 'secret-exposed',
  status: 500,
  title: 'A secret file is open to others',
})

const randomHex = (): string => randomBytes(32).toString('hex')

/**
 * The secret `name` in `directory` (text in a file of mode 0600); when it does not exist yet it is made, from 256 random
 * bits as hex unless told otherwise. Two processes that make it at once end up with the same one, and a crash leaves none or a whole one.
 */
export function keepSecret(directory: string, name: string, make: () => string = randomHex): string {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const path = join(directory, name)
  if (!existsSync(path)) {
    const draft = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`
    writeFileSync(draft, make(), { mode: 0o600, flush: true })
    try {
      linkSync(draft, path)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    } finally {
      unlinkSync(draft)
    }
  }
  return readSecret(path)
}

/** Reads a secret file; refuses one that group or others may read (Problem `secret-exposed`). */
export function readSecret(path: string): string {
  const mode = statSync(path).mode & 0o777
  if (mode & 0o077) throw exposedSecret(`${path} has mode 0${mode.toString(8)}; make it 0600.`)
  return readFileSync(path, 'utf8').trim()
}
