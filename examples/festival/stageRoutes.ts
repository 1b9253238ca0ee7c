import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { PushApi } from '../../src/index.ts'
import { changeStage } from './stageChange.ts'

/** What organisers change while the festival is on. */
export const stageRoutes =
  (push: PushApi): FastifyPluginAsyncZod =>
  async (app) => {
    app.put(
      '/api/v1/performances/:id/stage',
      {
        config: { permission: 'content.manage' },
        schema: {
          tags: ['line-up'],
          summary: 'Move a performance to another stage, and tell everybody',
          params: z.object({ id: z.uuid() }),
          body: z.object({ stageId: z.uuid() }),
          response: { 200: z.object({ message: z.uuid().nullable() }) },
        },
      },
      async ({ tenant, params: { id }, body: { stageId } }) => ({
        message: await changeStage(push, tenant, { performanceId: id, stageId }),
      }),
    )
  }
