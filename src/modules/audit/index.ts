import type { FastifyPluginAsync, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { openActorSeals } from '../../data/actor.ts'
import { stores } from '../../data/index.ts'
import { keepSecret } from '../../data/secrets.ts'
import { defineModule } from '../../kernel/module.ts'
import type { RouteGroup } from '../../kernel/routes.ts'
import { edge } from '../edge/index.ts'
import { identity } from '../identity/index.ts'
import { tenancy } from '../tenancy/index.ts'
import { actInTenant, recordAdminAccess } from './guard.ts'
import { auditAdminAccess } from './measures/audit-admin-access.ts'
import { auditAdminImmutable } from './measures/audit-admin-immutable.ts'
import { auditDataChanges } from './measures/audit-data-changes.ts'
import { type Act, openRecorder, type Recorder } from './record.ts'
import { trailRoutes } from './routes.ts'
import { deploymentTrail, tenantTrail } from './trail.ts'

export { recordIn } from './record.ts'

/** What other modules get from audit. */
export interface AuditApi {
  /**
   * Notes an act that is no change of a row (those are captured by the database itself): reading a secret, an export.
   * With a tenant it stands in that tenant's trail, done by whom `tenant.as(actor)` named; with an actor alone in the
   * deployment's. To note it in the transaction of the act itself: `recordIn`.
   */
  record: Recorder
}

/** Who changed what, kept where nobody can change it. */
export const audit = defineModule({
  name: 'audit',
  needs: { stores, tenancy, identity, edge },
  settings: z.object({}),
  async start({ clock }, { stores, tenancy, identity, edge }) {
    const seals = openActorSeals(Buffer.from(keepSecret(stores.secrets, 'actor-seal'), 'hex'), clock)
    const record = openRecorder(stores.control, seals)
    const api: AuditApi = { record }
    const guards: RouteGroup[] = [
      { audience: 'tenant', plugin: actInTenant as FastifyPluginAsync },
      { audience: 'admin', plugin: recordAdminAccess(record) },
    ]
    const noteOperator = (request: FastifyRequest, act: Act) =>
      record({ actor: { kind: 'operator', id: request.operator?.person.id ?? '' } }, act)
    const ofTenant = trailRoutes(
      (request) => tenantTrail(request.tenant),
      (request, act) => record(request.tenant, act),
    )
    const ofDeployment = trailRoutes(() => deploymentTrail(stores.control), noteOperator)
    const routes: RouteGroup[] = [
      { audience: 'tenant', plugin: ofTenant as unknown as FastifyPluginAsync },
      { audience: 'admin', plugin: ofDeployment as unknown as FastifyPluginAsync },
    ]
    const { asMigrator, control } = stores
    const measures = [
      auditDataChanges(asMigrator, tenancy),
      auditAdminAccess({ control, identity, edge }),
      auditAdminImmutable(asMigrator, control),
    ]
    return { api, guards, routes, measures }
  },
})
