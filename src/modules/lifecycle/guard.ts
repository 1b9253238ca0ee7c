import type { FastifyPluginAsync } from 'fastify'
import { defineProblem } from '../../kernel/problems.ts'

const suspended = defineProblem({
  code: 'tenant-read-only',
  status: 423,
  title: 'This tenant is read-only',
})

const READING = ['GET', 'HEAD', 'OPTIONS']

/** Signing in and out, and tokens for programs: without them nobody could fetch the data. */
const SIGN_IN = '/api/v1/auth/'

/** Answers 423 to what would change a suspended tenant. The database refuses it too; this says so before any work is done. */
export const readOnlyGuard: FastifyPluginAsync = async (app) => {
  app.addHook('onRequest', async (request) => {
    if (request.is404 || request.tenant.state === 'active' || READING.includes(request.method)) return
    if (request.routeOptions.url?.startsWith(SIGN_IN)) return
    throw suspended('It is suspended: reading and the export work, changes do not.')
  })
}
