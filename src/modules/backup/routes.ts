import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { Clock } from '../../kernel/clock.ts'
import { Slug } from '../tenancy/index.ts'
import type { BackupApi } from './api.ts'
import { drillsPage } from './drillsPage.ts'
import { summarise } from './summary.ts'

const tags = ['backups']
const Check = z.object({ what: z.string(), expected: z.unknown(), observed: z.unknown(), ok: z.boolean() })
const Drill = z.object({
  id: z.uuid(),
  slug: z.string(),
  backupId: z.uuid(),
  snapshotAt: z.string(),
  startedAt: z.string(),
  endedAt: z.string(),
  passed: z.boolean(),
  rpoMs: z.number(),
  rtoMs: z.number(),
  phases: z.record(z.string(), z.number()),
  largestRtoMs: z.number(),
  checks: z.array(Check),
})
const Times = z.object({ median: z.number(), worst: z.number() }).nullable()
const Summary = z.object({
  drills: z.array(Drill),
  failed: z.number(),
  rtoMs: Times,
  rpoMs: Times,
  largestRtoMs: Times,
})
const Backup = z.object({
  id: z.uuid(),
  tenantId: z.uuid(),
  slug: z.string(),
  class: z.enum(['recent', 'archive']),
  snapshotAt: z.iso.datetime().nullable(),
  availableAt: z.iso.datetime().nullable(),
  expiresAt: z.iso.datetime(),
  bytes: z.number().nullable(),
})

const YEAR = 366 * 86_400_000

/** For operators: what there is, and to begin a drill. */
export function operatorBackupRoutes(
  api: BackupApi,
  clock: Clock,
  startDrill: () => Promise<string>,
): FastifyPluginAsyncZod {
  return async (app) => {
    app.get(
      '/api/v1/backups',
      {
        config: { permission: 'backup.read' },
        schema: {
          tags,
          summary: 'Available backups, newest first',
          querystring: z.object({ tenant: Slug.optional() }),
          response: { 200: z.array(Backup) },
        },
      },
      async ({ query }) =>
        (await api.list(query.tenant)).map(({ snapshotAt, availableAt, expiresAt, ...backup }) => ({
          ...backup,
          snapshotAt: snapshotAt?.toISOString() ?? null,
          availableAt: availableAt?.toISOString() ?? null,
          expiresAt: expiresAt.toISOString(),
        })),
    )
    app.get(
      '/api/v1/drills',
      {
        config: { permission: 'backup.read' },
        schema: { tags, summary: 'Restore drills of the last year', response: { 200: Summary } },
      },
      async () => summarise(await api.drills(new Date(clock.now().getTime() - YEAR))),
    )
    app.post(
      '/api/v1/drills',
      {
        config: { permission: 'backup.drill' },
        schema: {
          tags,
          summary: 'Begin a restore drill',
          response: { 202: z.object({ job: z.string() }).describe('It was begun') },
        },
      },
      async (_request, reply) => reply.code(202).send({ job: await startDrill() }),
    )
  }
}

/** For everybody: what the drills measured. They restore canaries, so nothing in it is a customer's. */
export function publicDrillRoutes(api: BackupApi, clock: Clock): FastifyPluginAsyncZod {
  const summary = async () => summarise(await api.drills(new Date(clock.now().getTime() - YEAR)))
  return async (app) => {
    app.get(
      '/api/v1/restore-drills',
      { schema: { tags, summary: 'Restore drills of the last year', response: { 200: Summary } } },
      async (_request, reply) => reply.header('access-control-allow-origin', '*').send(await summary()),
    )
    for (const language of ['de', 'en'] as const)
      app.get(`/${language}/restore-drills`, async (_request, reply) =>
        reply.type('text/html; charset=utf-8').send(drillsPage(language, await summary())),
      )
  }
}
