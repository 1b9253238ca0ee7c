import { randomBytes } from 'node:crypto'
import bcrypt from 'bcrypt'
import { defineProblem } from '../../kernel/problems.ts'
import { isBreached } from './breached.ts'
import { argon2Hash, argon2Matches, prefixOf } from './phc.ts'
import type { IdentitySettings } from './settings.ts'
import { openSlots } from './slots.ts'

const weak = defineProblem({ code: 'password-weak', status: 400, title: 'This password cannot be used' })

/** Hashes, verifies and judges passwords. */
export interface Passwords {
  /** A hash by the deployment's own method. */
  hash(password: string): Promise<string>
  /**
   * Whether `password` belongs to `stored` (null: nobody has it). Does the same work whoever is asked for and whatever
   * method the stored hash has, so that the time tells nothing.
   */
  verify(password: string, stored: string | null): Promise<boolean>
  /** Whether `stored` is of another method or cost than the deployment's own. */
  outdated(stored: string): boolean
  /**
   * Throws a Problem `password-weak` (400) for one that NIST SP 800-63B-4 §3.1.1.2 forbids: too short, on the list of
   * breached ones, or made of `words` (such as the person's own e-mail). There are no rules about kinds of characters.
   */
  judge(password: string, about: { words: readonly string[]; secondFactor: boolean }): Promise<void>
}

/** Longer ones only make work for the server. */
const LONGEST = 256

/** bcrypt reads no further (bytes). */
const BCRYPT_READS = 72

/** Opens what `settings` say about passwords. */
export async function openPasswords(settings: IdentitySettings): Promise<Passwords> {
  const slot = openSlots(settings.hashesAtOnce, settings.hashesWaiting)
  const { hash, begins } = ownMethod(settings)
  const nobody = await hash(randomBytes(16).toString('hex'))
  const legacy = settings.legacyBcryptCost
    ? await bcrypt.hash(randomBytes(16).toString('hex'), settings.legacyBcryptCost)
    : null
  return {
    hash: (password) => slot(() => hash(password)),
    outdated: (stored) => !stored.startsWith(begins),
    judge: (password, about) => judge(password, about, settings),
    verify: (password, stored) =>
      slot(async () => {
        const own = stored?.startsWith(begins) ? stored : null
        const refused = stored?.startsWith('$2') && !settings.legacyBcryptCost
        const other = own || refused ? null : stored
        const matches = [await compare(password, own ?? nobody), await compare(password, other ?? legacy)]
        return (own !== null && matches[0] === true) || (other !== null && matches[1] === true)
      }),
  }
}

function ownMethod(settings: IdentitySettings): { begins: string; hash(password: string): Promise<string> } {
  if (settings.passwordMethod === 'bcrypt') {
    const cost = settings.bcryptCost
    return {
      begins: `$2b$${String(cost).padStart(2, '0')}$`,
      hash: (password) => bcrypt.hash(password, cost),
    }
  }
  const { argon2Memory: memory, argon2Passes: passes, argon2Parallelism: parallelism } = settings
  const cost = { memory, passes, parallelism }
  return {
    begins: `${prefixOf(cost)}$`,
    hash: (password) => argon2Hash(normalise(password), randomBytes(16), cost),
  }
}

/** bcrypt hashes come from other systems, which did not normalise. */
async function compare(password: string, stored: string | null): Promise<boolean> {
  if (stored === null) return false
  return stored.startsWith('$2')
    ? bcrypt.compare(password, stored)
    : argon2Matches(normalise(password), stored)
}

/** The same password typed on two keyboards is the same (SP 800-63B-4 §3.1.1.2, Unicode). */
function normalise(password: string): string {
  return password.normalize('NFKC')
}

async function judge(
  password: string,
  { words, secondFactor }: { words: readonly string[]; secondFactor: boolean },
  settings: IdentitySettings,
): Promise<void> {
  const length = [...normalise(password)].length
  const least = secondFactor ? settings.passwordLengthWithSecondFactor : settings.passwordLength
  if (length < least) throw weak(`Use at least ${least} characters; a few words are easy to remember.`)
  if (length > LONGEST) throw weak(`Use at most ${LONGEST} characters.`)
  if (settings.passwordMethod === 'bcrypt' && Buffer.byteLength(password) > BCRYPT_READS)
    throw weak(`Use at most ${BCRYPT_READS} bytes.`)
  const bare = password.toLowerCase()
  if (new Set(bare).size < 4) throw weak('It repeats the same few characters.')
  if (words.some((word) => word.length > 3 && bare.replaceAll(word.toLowerCase(), '').length < 6))
    throw weak('It is little more than your own name or address.')
  if (await isBreached(password, settings.breachedFileName))
    throw weak('It is on the list of passwords that were stolen elsewhere.')
}
