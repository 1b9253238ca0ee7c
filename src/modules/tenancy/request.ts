import type { Tenant } from './tenant.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The tenant that answers at the request's host; set on routes of the tenant audience alone. */
    tenant: Tenant
  }
}
