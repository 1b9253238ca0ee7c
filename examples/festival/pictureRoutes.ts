import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { MediaApi } from '../../src/index.ts'
import { keepPicture, PICTURE_TYPES } from './pictures.ts'

const LARGEST = 5 * 1_048_576

/** Organisers give a sponsor a picture. */
export const pictureRoutes =
  (media: MediaApi): FastifyPluginAsyncZod =>
  async (app) => {
    const types = Object.values(PICTURE_TYPES)
    app.addContentTypeParser(
      types,
      { parseAs: 'buffer', bodyLimit: LARGEST },
      async (_: unknown, body: Buffer) => body,
    )
    app.put(
      '/api/v1/sponsors/:id/picture',
      {
        config: { permission: 'content.manage' },
        bodyLimit: LARGEST,
        schema: {
          tags: ['line-up'],
          summary: "Replace a sponsor's picture",
          consumes: types,
          params: z.object({ id: z.uuid() }),
          body: z.instanceof(Buffer),
          response: { 200: z.object({ type: z.string(), width: z.number(), height: z.number() }) },
        },
      },
      async ({ tenant, params: { id }, body }) => keepPicture(media, tenant, id, body),
    )
  }
