import { z } from 'zod'
import { stores } from '../../data/index.ts'
import { defineModule } from '../../kernel/module.ts'
import { cacheAof } from './measures/cache-aof.ts'

/** What Redis must be so that a crash loses a second at most. */
export const cache = defineModule({
  name: 'cache',
  needs: { stores },
  settings: z.object({
    /** How often Redis flushes its log to disk. */
    fsync: z.enum(['everysec', 'always']).default('everysec'),
  }),
  start: async ({ settings }, { stores }) => ({ api: null, measures: [cacheAof(settings, stores.redis)] }),
})
