import { z } from 'zod'

/** A tenant's short name: a DNS label (RFC 1035 §2.3.1), since it is part of its host and, by profile, its database's name. */
export const Slug = z
  .string()
  .regex(
    /^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$/,
    'a slug is a DNS label: a-z, 0-9 and -, at most 40, starting with a letter',
  )
