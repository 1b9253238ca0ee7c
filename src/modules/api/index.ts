import { z } from 'zod'
import { defineModule } from '../../kernel/module.ts'
import { edge } from '../edge/index.ts'
import { tenancy } from '../tenancy/index.ts'
import { inputValidation } from './measures/input-validation.ts'
import { tenancyRequestIsolation } from './measures/tenancy-request-isolation.ts'
import { tenancyRouting } from './measures/tenancy-routing.ts'

export { fillPath, type Operation, readOperations } from './document.ts'

/** What holds for every route of every module: attacked from outside, through the front door. */
export const api = defineModule({
  name: 'api',
  needs: { edge, tenancy },
  settings: z.object({}),
  start: async (_context, { edge, tenancy }) => ({
    api: null,
    measures: [tenancyRouting, tenancyRequestIsolation, inputValidation].map((of) => of(edge, tenancy)),
  }),
})
