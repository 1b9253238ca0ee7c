import { z } from 'zod'
import { stores } from '../../data/index.ts'
import { keepSecret } from '../../data/secrets.ts'
import { defineModule } from '../../kernel/module.ts'
import { edge } from '../edge/index.ts'
import { identity } from '../identity/index.ts'
import { tenancy } from '../tenancy/index.ts'
import { openCsrf } from './csrf.ts'
import { browserGuard } from './guard.ts'
import { cspNonce } from './measures/csp-nonce.ts'
import { csrf as csrfMeasure } from './measures/csrf.ts'
import { openNonces } from './policy.ts'

/** What keeps other sites and injected scripts from using a signed-in person's browser. */
export const browser = defineModule({
  name: 'browser',
  needs: { stores, edge, tenancy, identity },
  settings: z.object({}),
  async start(_context, { stores, edge, tenancy, identity }) {
    const api = { csrf: openCsrf(keepSecret(stores.secrets, 'csrf')), nonces: openNonces() }
    const plugin = browserGuard(api)
    return {
      api,
      guards: [
        { audience: 'admin' as const, plugin },
        { audience: 'tenant' as const, plugin },
      ],
      measures: [csrfMeasure({ edge, tenancy, people: identity.people }), cspNonce(edge, tenancy)],
    }
  },
})
