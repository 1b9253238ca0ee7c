import { z } from 'zod'
import { duration } from '../../kernel/duration.ts'

const amount = z.number().int().min(1).max(10_000_000)

/** What a deployment decides about how much may be asked of it. */
export const limitsSettings = z.object({
  /** Reverse proxies in front, as CIDR. Only what they add to X-Forwarded-For is believed. */
  trustedProxies: z.array(z.union([z.cidrv4(), z.cidrv6()])).default([]),
  /** The salt of hashed addresses; without a file one is made beside the other secrets. */
  saltFileName: z.string().optional(),
  saltRotation: duration.default(86_400_000),
  /** Requests of one address (IPv6: one /64), and to one tenant. */
  perAddress: amount.default(1_200),
  perTenant: amount.default(12_000),
  window: duration.default(60_000),
  /** Tries of a credential: from one address, and refused ones at one account from one address. */
  attemptsPerAddress: amount.default(30),
  attemptsPerAccount: amount.default(10),
  attemptWindow: duration.default(600_000),
  /** Redis may take so long; then attempts are counted in each process against this share of their budget. */
  redisWithin: duration.default(500),
  awayShare: z.number().gt(0).max(1).default(0.3),
  /** A process answers 503 beyond this many requests at once, or when its event loop is late by this. */
  inFlight: amount.default(1_000),
  eventLoopDelay: duration.default(2_000),
  /** So many refused attempts from one address within a window are an event. */
  intrusionAt: z.number().int().min(2).max(10_000).default(20),
  intrusionWindow: duration.default(600_000),
})

export type LimitsSettings = z.output<typeof limitsSettings>
