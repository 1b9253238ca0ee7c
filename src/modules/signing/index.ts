import type { FastifyPluginAsync } from 'fastify'
import { z } from 'zod'
import { stores } from '../../data/index.ts'
import { defineModule } from '../../kernel/module.ts'
import type { RouteGroup } from '../../kernel/routes.ts'
import { audit } from '../audit/index.ts'
import { identity } from '../identity/index.ts'
import { secrets } from '../secrets/index.ts'
import { tenancy } from '../tenancy/index.ts'
import { vault } from '../vault/index.ts'
import { type HandOver, handOver } from './handOver.ts'
import { type Materials, openMaterials } from './materials.ts'
import { buildSigningFetch } from './measures/build-signing-fetch.ts'
import { buildSigningNodisk } from './measures/build-signing-nodisk.ts'
import { signingRoutes } from './routes.ts'
import { openTokens, type Tokens } from './tokens.ts'

export { handOver } from './handOver.ts'
export type { Material } from './materials.ts'
export { LONGEST_LIFE } from './tokens.ts'

/** What other modules and the command line get from signing. */
export interface SigningApi {
  materials: Materials
  tokens: Tokens
  handOver: HandOver
}

/** Keystores and provisioning profiles of tenants, and how a build gets them without a disk. */
export const signing = defineModule({
  name: 'signing',
  needs: { stores, tenancy, vault, identity, audit, secrets },
  settings: z.object({}),
  migrations: { tenant: new URL('./migrations/tenant/', import.meta.url) },
  async start({ clock, log }, { stores, tenancy, vault, audit }) {
    const materials = openMaterials(vault, clock)
    const tokenParts = { materials, record: audit.record, clock, log }
    const api: SigningApi = { materials, tokens: openTokens(tokenParts), handOver }
    const plugin = signingRoutes(materials, api.tokens) as unknown as FastifyPluginAsync
    const routes: RouteGroup[] = [{ audience: 'tenant', plugin }]
    const canaries = tenancy.canaries.find
    return {
      api,
      routes,
      measures: [
        buildSigningFetch({ stores, materials, tokens: api.tokens, tokenParts, canaries }),
        buildSigningNodisk({ handOver: (...given) => api.handOver(...given), files: stores.files }),
      ],
    }
  },
})
