import { after, before, it } from 'node:test'
import type { FastifyPluginAsync, FastifySchemaCompiler } from 'fastify'
import { validatorCompiler } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { type TestPlatform, testPlatform } from '../../../../test/support/platform.ts'
import { proveBySabotage } from '../../../../test/support/sabotage.ts'
import { defineModule } from '../../../kernel/module.ts'
import type { RouteGroup } from '../../../kernel/routes.ts'
import type { ProofApi } from '../../../proof/api.ts'
import { proof } from '../../../proof/index.ts'
import { trust } from '../../trust/index.ts'
import { api } from '../index.ts'

let checking = true
const schema = {
  params: z.object({ id: z.uuid() }),
  querystring: z.object({ limit: z.coerce.number().int().max(10).optional() }),
  body: z.object({ name: z.string().regex(/^\P{Cc}+$/u), tags: z.array(z.string()) }),
}
const plugin: FastifyPluginAsync = async (app) => {
  const compile = validatorCompiler as unknown as FastifySchemaCompiler<unknown>
  app.setValidatorCompiler((route) => {
    const whole = compile(route)
    return (value: unknown) => (checking ? whole(value) : { value })
  })
  app.post<{ Body: { name: string; tags: string[] } }>(
    '/api/v1/things/:id',
    { schema },
    async ({ body }) => ({
      name: body.name.trim(),
      tags: body.tags.length,
    }),
  )
}
const routes: RouteGroup[] = [{ audience: 'tenant', plugin }]
const things = defineModule({
  name: 'things',
  needs: {},
  settings: z.object({}),
  start: async () => ({ api: null, routes }),
})

let platform: TestPlatform
before(async () => {
  platform = await testPlatform([proof, api, trust, things])
  await platform.serve()
})
after(() => platform?.stop())

it('input.validation goes red when a route no longer checks its input', () =>
  proveBySabotage(platform.api('proof') as ProofApi, 'input.validation', {
    sabotage: async () => {
      checking = false
    },
    repair: async () => {
      checking = true
    },
    seen: /POST \/api\/v1\/things\/\{id\}, \d+ malformed requests/,
  }))
