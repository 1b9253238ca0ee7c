import { z } from 'zod'
import { stores } from '../../data/index.ts'
import { defineModule } from '../../kernel/module.ts'
import { identity } from '../identity/index.ts'
import { telemetry } from '../telemetry/index.ts'
import { tenancy } from '../tenancy/index.ts'
import { vault } from '../vault/index.ts'
import { secretNoPlaintext } from './measures/secret-no-plaintext.ts'

export { formsOf } from './forms.ts'
export { findInDatabase, findInFiles, findInRedis } from './look.ts'

/** Looks for secrets of every kind wherever data comes to rest. */
export const secrets = defineModule({
  name: 'secrets',
  needs: { stores, tenancy, identity, vault, telemetry },
  settings: z.object({}),
  start: async (_context, needs) => ({ api: null, measures: [secretNoPlaintext(needs)] }),
})
