import { availableParallelism } from 'node:os'
import { z } from 'zod'
import { duration } from '../../kernel/duration.ts'
import { ssoProvider } from './sso.ts'

/** What a deployment decides about people and their sessions. */
export const identitySettings = z.object({
  /** How new passwords are hashed. Older hashes are replaced when their owner signs in. */
  passwordMethod: z.enum(['argon2id', 'bcrypt']).default('argon2id'),
  /** KiB. */
  argon2Memory: z.number().int().min(7168).max(1_048_576).default(19_456),
  argon2Passes: z.number().int().min(1).max(16).default(2),
  argon2Parallelism: z.number().int().min(1).max(8).default(1),
  bcryptCost: z.number().int().min(10).max(15).default(12),
  /**
   * The cost of bcrypt hashes that were brought from another system; every sign-in does that much more work, so that
   * its time does not tell whose hash is old. 0 when there are none, and then none is accepted.
   */
  legacyBcryptCost: z.number().int().min(0).max(15).default(10),
  /** Characters (SP 800-63B-4: 15, or 8 where a second factor is asked as well). */
  passwordLength: z.number().int().min(8).max(64).default(15),
  passwordLengthWithSecondFactor: z.number().int().min(8).max(64).default(8),
  /** Breached passwords: SHA-1 lines as Have I Been Pwned publishes them. */
  breachedFileName: z.string().optional(),
  /**
   * Hashes computed at once, and how many sign-ins may wait for that. One core and one of the four threads of the pool
   * stay for everybody else.
   */
  hashesAtOnce: z
    .number()
    .int()
    .min(1)
    .max(64)
    .default(() => Math.min(3, Math.max(1, availableParallelism() - 1))),
  hashesWaiting: z.number().int().min(0).max(10_000).default(64),
  /** Who issues access tokens. */
  issuer: z.string().min(1).default('surety'),
  accessLife: duration.default(300_000),
  /** A session is over after this, however much it is used; and after this without use. */
  sessionLife: duration.default(2_592_000_000),
  idleLife: duration.default(604_800_000),
  /** A spent refresh token that returns within this is answered once more; at the given return it is theft. */
  refreshGrace: duration.default(10_000),
  refreshTheftAt: z.number().int().min(2).max(20).default(3),
  /** Acts that outlast a session, such as adding a person or a key, need a sign-in or second factor not older than this. */
  recentWithin: duration.default(600_000),
  /** How long an operator may act in a member's name at a time. */
  impersonationLife: duration.default(900_000),
  /** OpenID providers that members may sign in with. */
  sso: z.array(ssoProvider).default([]),
  /** From publishing a new signing key to signing by it; every process has read it by then. */
  keyLead: duration.default(60_000),
})

export type IdentitySettings = z.output<typeof identitySettings>
