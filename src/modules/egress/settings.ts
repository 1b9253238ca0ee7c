import { isIP } from 'node:net'
import { z } from 'zod'
import { duration } from '../../kernel/duration.ts'
import { FIRST_REGISTER, registerSchema } from './register.ts'

const cidr = z.string().refine((text) => {
  const [network = '', prefix = ''] = text.split('/')
  const bits = { 0: -1, 4: 32, 6: 128 }[isIP(network)] ?? -1
  return /^\d{1,3}$/.test(prefix) && Number(prefix) <= bits
}, 'a network is written as 10.0.0.0/8 or fd00::/8')

export const egressSettings = z.object({
  /** The sub-processors. The allow-list is made from it and from nothing else. */
  register: registerSchema.prefault(FIRST_REGISTER),
  /** Networks beside the internet in which a registered host may lie. */
  allowedNetworks: z.array(cidr).default([]),
  /** A host that is not registered is let through and reported: for finding out what a register lacks. */
  reportOnly: z.boolean().default(false),
  /** UNIX socket of `surety egress`. Without one, each process connects itself, by the same rules. */
  socket: z.string().startsWith('/').max(95).optional(),
  /** PEM; authorities beside those that come with Node. */
  caFileName: z.string().optional(),
  /** How long decisions are kept. */
  decisionsKeptFor: duration.default(30 * 86_400_000),
  /** An alarm asks for new pins this long before the agreed ones end. */
  renewPinsBefore: duration.default(30 * 86_400_000),
})

export type EgressSettings = z.output<typeof egressSettings>
