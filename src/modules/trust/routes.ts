import { readFile } from 'node:fs/promises'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { preferredLanguage } from '../../kernel/language.ts'
import { defineProblem } from '../../kernel/problems.ts'
import type { ProofApi } from '../../proof/api.ts'
import { measurePage } from './measurePage.ts'
import { overviewPage } from './overview.ts'
import { verifyPage } from './verifyPage.ts'

const noMeasure = defineProblem({ code: 'measure-unknown', status: 404, title: 'No such measure' })

const HTML = 'text/html; charset=utf-8'
const ICON =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><path d="M2 8l4 5L14 3" fill="none" stroke="#146c43" stroke-width="3"/></svg>'
const key = z.string().regex(/^[a-z0-9.-]{1,80}$/)
const byKey = { schema: { params: z.object({ key }) } }
const limit = z.coerce.number().int().min(1).max(200).default(50)

/** The public pages and their data. Everything comes from the evidence log; nothing here can be written. */
export function trustRoutes(proof: ProofApi, name: string): FastifyPluginAsyncZod {
  return async (app) => {
    const css = await readFile(new URL('./trust.css', import.meta.url), 'utf8')

    app.get('/', async (request, reply) =>
      reply.redirect(`/${preferredLanguage(request.headers['accept-language'])}`, 303),
    )
    app.get('/trust.css', async (_request, reply) =>
      reply.type('text/css; charset=utf-8').header('cache-control', 'public, max-age=300').send(css),
    )

    app.get('/favicon.svg', async (_request, reply) => reply.type('image/svg+xml').send(ICON))

    app.get('/robots.txt', async (_request, reply) =>
      reply.type('text/plain; charset=utf-8').send('User-agent: *\nDisallow: /log/\n'),
    )

    for (const language of ['de', 'en'] as const) {
      app.get(`/${language}/verify`, async (request, reply) => {
        const checkpoint = await proof.checkpoint()
        return reply
          .type(HTML)
          .send(
            verifyPage(
              language,
              name,
              `https://${request.host}`,
              checkpoint ?? { logKey: null, witnessKey: null },
            ),
          )
      })
      app.get(`/${language}`, async (_request, reply) =>
        reply.type(HTML).send(overviewPage(language, name, await proof.results())),
      )
      app.get(`/${language}/measures/:key`, byKey, async (request, reply) => {
        const measure = await find(request.params.key)
        const [history, checkpoint] = await Promise.all([proof.history(measure.key, 30), proof.checkpoint()])
        return reply
          .type(HTML)
          .send(measurePage(language, name, measure, history, checkpoint?.logKey ?? null))
      })
    }

    const list = { schema: { tags: ['measures'], summary: 'Every measure with its outcome' } }
    app.get('/api/v1/measures', list, async (_request, reply) => open(reply).send(await proof.results()))
    const one = { schema: { ...byKey.schema, tags: ['measures'], summary: 'One measure' } }
    app.get('/api/v1/measures/:key', one, async (request, reply) =>
      open(reply).send(await find(request.params.key)),
    )
    const withLimit = {
      schema: {
        params: z.object({ key }),
        querystring: z.object({ limit }),
        tags: ['measures'],
        summary: 'What earlier runs of its probe saw, newest first',
      },
    }
    app.get('/api/v1/measures/:key/history', withLimit, async (request, reply) => {
      await find(request.params.key)
      return open(reply).send(await proof.history(request.params.key, request.query.limit))
    })
    const byIndex = {
      schema: {
        params: z.object({ index: z.coerce.number().int().min(0) }),
        tags: ['evidence'],
        summary: 'A record with its inclusion proof and checkpoint, to verify offline',
      },
    }
    app.get('/api/v1/evidence/:index/bundle', byIndex, async (request, reply) =>
      open(reply).send(await proof.bundle(request.params.index)),
    )
  }

  async function find(key: string) {
    const result = await proof.result(key)
    if (!result) throw noMeasure(`There is no measure "${key}" here.`)
    return result
  }
}

/** Public data: any site may read it. */
function open<Reply extends { header(name: string, value: string): Reply }>(reply: Reply): Reply {
  return reply.header('access-control-allow-origin', '*').header('cache-control', 'no-cache')
}
