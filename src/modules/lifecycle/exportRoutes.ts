import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { Clock } from '../../kernel/clock.ts'
import type { AuditApi } from '../audit/index.ts'
import { exportTenant } from './export/archive.ts'

/** What an export takes from its caller's budgets: it reads everything. */
const COST = 20

/** The way out for a tenant's data, at any time, also while it is suspended. */
export function exportRoutes(audit: AuditApi, clock: Clock, build: string): FastifyPluginAsyncZod {
  return async (app) => {
    app.get(
      '/api/v1/export',
      {
        schema: {
          tags: ['account'],
          summary:
            'Everything of the account as a ZIP: tables as NDJSON with JSON Schema, files, a manifest with hashes',
          description:
            'Secrets (passwords, tokens, keys) are left out; the manifest names them. The trail of changes has an export of its own.',
          produces: ['application/zip'],
          response: { 200: z.any().describe('A ZIP that streams.') },
        },
        config: { permission: 'export.read', limit: { cost: COST } },
      },
      async ({ tenant }, reply) => {
        await audit.record(tenant, { act: 'tenant.export', target: 'all data' })
        const now = clock.now()
        const archive = await exportTenant(tenant, now, build)
        const name = `${tenant.slug}-${now.toISOString().slice(0, 10)}.zip`
        return reply
          .headers({ 'content-disposition': `attachment; filename="${name}"`, 'cache-control': 'no-store' })
          .type('application/zip')
          .send(archive)
      },
    )
  }
}
