import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { JobsApi } from '../jobs/index.ts'
import { Slug, type TenancyApi } from '../tenancy/index.ts'
import type { LifecycleApi } from './api.ts'

const instant = z.iso.datetime()

const ErasureLine = z.object({
  tenantId: z.uuid(),
  slug: z.string(),
  because: z.enum(['time over', 'request']),
  begunAt: instant,
  finishedAt: instant.nullable(),
  record: z.number().int().nullable().describe('Where it stands in the evidence log'),
})

const RequestLine = z.object({
  id: z.uuid(),
  slug: z.string(),
  channel: z.string(),
  receivedAt: instant,
  dueOn: z.iso.date().describe('The last day on which to answer (Art. 12(3) GDPR)'),
  identityChecked: z.string().nullable(),
  answeredAt: instant.nullable(),
})

const State = z.object({ state: z.enum(['active', 'suspended']) })
const bySlug = z.object({ slug: Slug })
const tags = ['tenants']

/**
 * For operators. The process that answers HTTP may not change the registry, so a suspension is a job for one that may;
 * erasing is done at the command line, where who is asked can be checked twice.
 */
export function operatorLifecycleRoutes(
  api: LifecycleApi,
  tenancy: TenancyApi,
  jobs: JobsApi,
): FastifyPluginAsyncZod {
  const changes = jobs.define({
    name: 'lifecycle.state',
    data: State.extend({ slug: z.string() }),
    // A change that failed must not come after a later one.
    attempts: 1,
    run: ({ slug, state }) => tenancy.setState(slug, state),
  })
  return async (app) => {
    app.put(
      '/api/v1/tenants/:slug/state',
      {
        config: { permission: 'tenants.manage', recent: true },
        schema: {
          tags,
          summary: 'Suspend a tenant or reactivate it; done by a worker within moments',
          params: bySlug,
          body: State,
          response: { 202: State },
        },
      },
      async ({ params: { slug }, body: { state } }, reply) => {
        await tenancy.bySlug(slug)
        await changes.add(null, { slug, state })
        return reply.code(202).send({ state })
      },
    )
    app.get(
      '/api/v1/erasures',
      {
        config: { permission: 'tenants.read' },
        schema: {
          tags,
          summary: 'Tenants that were erased or are being',
          response: { 200: z.array(ErasureLine) },
        },
      },
      async () => {
        const customers = (await api.erasures()).filter(({ canary }) => !canary)
        return customers.flatMap(({ id, slug, because, begunAt, finishedAt, record }) =>
          because === 'trial over'
            ? []
            : [
                {
                  tenantId: id,
                  slug,
                  because,
                  begunAt: begunAt.toISOString(),
                  finishedAt: iso(finishedAt),
                  record,
                },
              ],
        )
      },
    )
    app.get(
      '/api/v1/erasure-requests',
      {
        config: { permission: 'tenants.read' },
        schema: {
          tags,
          summary: 'Requests for erasure, and until when they are to be answered',
          response: { 200: z.array(RequestLine) },
        },
      },
      async () =>
        (await api.requests()).map(({ tenantId: _tenantId, receivedAt, answeredAt, ...request }) => ({
          ...request,
          receivedAt: receivedAt.toISOString(),
          answeredAt: iso(answeredAt),
        })),
    )
  }
}

const iso = (at: Date | null): string | null => at?.toISOString() ?? null
