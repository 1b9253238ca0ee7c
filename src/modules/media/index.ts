import { z } from 'zod'
import { sweepIncoming } from '../../data/filestore.ts'
import { stores } from '../../data/index.ts'
import { defineModule } from '../../kernel/module.ts'
import { tenancy } from '../tenancy/index.ts'
import { filestoreLayout } from './measures/filestore-layout.ts'

/** Milliseconds after which a part of an upload is surely of one that was interrupted. */
const INTERRUPTED_AFTER = 24 * 3_600_000

/** Tenants' files: where they lie, and that nothing leads from one tenant's to another's. */
export const media = defineModule({
  name: 'media',
  needs: { stores, tenancy },
  settings: z.object({}),
  async start(_context, { stores, tenancy }) {
    // Where work is done, not where requests are answered.
    if (stores.migrator)
      for (const { slug } of await tenancy.list())
        await sweepIncoming({ root: stores.files, folder: slug }, INTERRUPTED_AFTER)
    return { api: null, measures: [filestoreLayout(stores.files, tenancy.canaries.open)] }
  },
})
