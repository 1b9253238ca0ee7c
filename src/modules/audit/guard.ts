import type { FastifyPluginAsync, FastifyRequest } from 'fastify'
import type { Actor } from '../../data/actor.ts'
import type { Recorder } from './record.ts'

/** From here on, what a request does in its tenant is told as done by who is signed in. */
export const actInTenant: FastifyPluginAsync = async (app) => {
  app.addHook('onRequest', async (request) => {
    const { member } = request
    if (!member) return
    const { person, impersonation } = member
    request.tenant = request.tenant.as({
      kind: 'member',
      id: person.id,
      ...(impersonation ? { impersonator: impersonation.by.id } : {}),
    })
  })
}

/**
 * Every request of a signed-in operator, reading or writing, is noted before it is done; when it cannot be noted, it is
 * not done. Without values: the changes themselves stand in the trail of the database that they happen in.
 */
export function recordAdminAccess(record: Recorder): FastifyPluginAsync {
  return async (app) => {
    app.addHook('preHandler', async (request) => {
      const { operator } = request
      if (!operator) return
      const actor: Actor = { kind: 'operator', id: operator.person.id }
      await record({ actor }, { act: 'admin.request', target: targetOf(request), details: paramsOf(request) })
    })
  }
}

function targetOf(request: FastifyRequest): string {
  return `${request.method} ${request.routeOptions.url}`
}

/** Which object it was about: the path's parameters, which are ids and slugs. */
function paramsOf(request: FastifyRequest): Record<string, unknown> {
  return { params: request.params, request: request.id }
}
