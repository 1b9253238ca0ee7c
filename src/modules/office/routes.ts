import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { defineProblem } from '../../kernel/problems.ts'
import { buildPages } from './build.ts'

const noAsset = defineProblem({ code: 'asset-unknown', status: 404, title: 'No such file' })

const config = { public: true } as const
const byName = { params: z.object({ name: z.string().regex(/^[\w.-]{1,100}$/) }) }

/**
 * The back-office under `/office/`: one HTML document for every address below it, whose script shows the page, and
 * files that never change because their name holds their hash. On the operators' host `/` leads there.
 */
export function officeRoutes(audience: 'admin' | 'tenant'): FastifyPluginAsyncZod {
  return async (app) => {
    const { shell, assets } = await buildPages()

    if (audience === 'admin')
      app.get('/', { config }, async (_request, reply) => reply.redirect('/office/', 303))
    app.get('/office', { config }, async (_request, reply) => reply.redirect('/office/', 308))

    app.get('/office/assets/:name', { config, schema: byName }, async (request, reply) => {
      const asset = assets.get(request.params.name)
      if (!asset) throw noAsset('Load the page again; it was built anew.')
      const packed = /\bbr\b/.test(request.headers['accept-encoding'] ?? '')
      if (packed) reply.header('content-encoding', 'br')
      return reply
        .type(asset.type)
        .header('cache-control', 'public, max-age=31536000, immutable')
        .header('vary', 'accept-encoding')
        .send(packed ? asset.brotli : asset.bytes)
    })

    app.get('/office/*', { config }, async (request, reply) => {
      const cookies = /(^|; )__Host-surety-(access|refresh)=/.test(request.headers.cookie ?? '')
      return reply
        .type('text/html; charset=utf-8')
        .header('cache-control', 'no-store')
        .send(fillShell(shell, { audience, cookies, nonce: request.cspNonce }))
    })
  }
}

/** `cookies`: the browser holds a session, so that the page asks who it is only then. */
function fillShell(shell: string, to: { audience: string; cookies: boolean; nonce: string }): string {
  return shell
    .replaceAll('CSP_NONCE', to.nonce)
    .replace('OFFICE_AUDIENCE', to.audience)
    .replace('OFFICE_COOKIES', to.cookies ? 'yes' : 'no')
}
