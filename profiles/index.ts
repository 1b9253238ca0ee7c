import { baseline } from './baseline.ts'
import { bilingualB2b } from './bilingual-b2b.ts'
import { eventPlatform } from './event-platform.ts'
import type { Profile } from './profile.ts'
import { singleServer } from './single-server.ts'
import { soleOperator } from './sole-operator.ts'

export type { Profile } from './profile.ts'

/** Every profile that a deployment can choose. */
export const profiles: readonly Profile[] = [
  eventPlatform,
  baseline,
  singleServer,
  bilingualB2b,
  soleOperator,
]
