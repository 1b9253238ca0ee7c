import { after, before, it } from 'node:test'
import { sql } from 'drizzle-orm'
import type { FastifyPluginAsync } from 'fastify'
import { z } from 'zod'
import { type TestPlatform, testPlatform } from '../../../../test/support/platform.ts'
import { proveBySabotage } from '../../../../test/support/sabotage.ts'
import { databases } from '../../../data/roles.ts'
import { defineModule } from '../../../kernel/module.ts'
import type { RouteGroup } from '../../../kernel/routes.ts'
import type { ProofApi } from '../../../proof/api.ts'
import { proof } from '../../../proof/index.ts'
import { api } from '../index.ts'

const schema = { params: z.object({ id: z.uuid() }) }
const plugin: FastifyPluginAsync = async (app) => {
  app.get('/api/v1/markers', { schema: {} }, async ({ tenant }) =>
    tenant.transaction(async (db) => (await db.execute(sql`SELECT marker FROM tenancy.canary`)).rows),
  )
  app.delete<{ Params: { id: string } }>('/api/v1/markers/:id', { schema }, async (request, reply) => {
    const { rowCount } = await request.tenant.transaction((db) =>
      db.execute(sql`UPDATE tenancy.canary SET marker = marker || '!' WHERE id = ${request.params.id}::uuid`),
    )
    return reply.code(rowCount ? 200 : 404).send({})
  })
}
const routes: RouteGroup[] = [{ audience: 'tenant', plugin }]
/** An application that leaves all isolation to the platform. */
const careless = defineModule({
  name: 'careless',
  needs: {},
  settings: z.object({}),
  start: async () => ({ api: null, routes }),
})

let platform: TestPlatform
before(async () => {
  platform = await testPlatform([proof, api, careless])
  await platform.serve()
})
after(async () => {
  // The careless route changes the rows of whoever asks for their own.
  for (const database of [databases.pool, 'canary-database-a', 'canary-database-b'])
    await platform.asSuperuser(database, (client) =>
      client.query(`UPDATE tenancy.canary SET marker = rtrim(marker, '!')`),
    )
  await platform?.stop()
})

const inPool = (statement: string) =>
  platform.asSuperuser(databases.pool, (client) => client.query(statement))

for (const [what, seen] of [
  ['answers show foreign content', /rows against rows: .* answers with foreign content/],
  ['a request by a foreign id is carried out', /rows against rows: requests by a foreign id/],
  ['foreign rows change', /rows against rows: the other tenant's rows are untouched/],
] as const) {
  it(`tenancy.request.isolation goes red when policies no longer hold and ${what}`, () =>
    proveBySabotage(platform.api('proof') as ProofApi, 'tenancy.request.isolation', {
      sabotage: () => inPool('ALTER TABLE tenancy.canary DISABLE ROW LEVEL SECURITY'),
      async repair() {
        await inPool('ALTER TABLE tenancy.canary ENABLE ROW LEVEL SECURITY')
        await inPool(`UPDATE tenancy.canary SET marker = rtrim(marker, '!')`)
      },
      seen,
    }))
}
