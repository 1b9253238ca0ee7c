import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { Database } from '../data/index.ts'
import { defineProblem } from '../kernel/problems.ts'
import { newestCheckpoint } from './evidence/log.ts'
import { readTile } from './evidence/tiles.ts'

const noRecord = defineProblem({ code: 'log-empty', status: 404, title: 'The log has no record yet' })

/** The whole log under the paths of C2SP tlog-tiles, so that anybody's tools can read and verify it. */
export function logRoutes(control: Database): FastifyPluginAsyncZod {
  return async (app) => {
    const config = { public: true }
    app.get('/log/checkpoint', { config }, async (_request, reply) => {
      const note = await newestCheckpoint(control)
      if (!note) throw noRecord('No probe has run yet.')
      return reply
        .headers({ 'access-control-allow-origin': '*', 'cache-control': 'no-cache' })
        .type('text/plain; charset=utf-8')
        .send(note)
    })
    app.get(
      '/log/tile/*',
      { config, schema: { params: z.object({ '*': z.string().max(60) }) } },
      async (request, reply) =>
        reply
          .headers({
            'access-control-allow-origin': '*',
            // A tile, once there, never changes: the log only grows.
            'cache-control': 'public, max-age=31536000, immutable',
            'cross-origin-resource-policy': 'cross-origin',
          })
          .type('application/octet-stream')
          .send(await readTile(control, request.params['*'])),
    )
  }
}
