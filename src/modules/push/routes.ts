import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { AuditApi } from '../audit/index.ts'
import { ApnsCredential, type Credentials, FcmCredential } from './credentials.ts'
import type { Devices } from './devices.ts'
import { notConfigured, secondFactorFirst } from './problems.ts'
import { SERVICES } from './tables.ts'

const Service = z.enum(SERVICES)
const byService = z.object({ service: Service })
const Masked = z.object({
  service: Service,
  keyId: z.string(),
  about: z.record(z.string(), z.string()),
  fingerprint: z.string().describe('SHA-256 of the public key, shortened'),
  updatedAt: z.string(),
})

/** A tenant's credentials at push services, for its admins alone. */
export function credentialRoutes(
  credentials: Credentials,
  record: AuditApi['record'],
): FastifyPluginAsyncZod {
  const tags = ['push']
  const permission = 'push.manage'
  return async (app) => {
    app.get(
      '/api/v1/push/credentials',
      {
        config: { permission },
        schema: {
          tags,
          summary: 'Credentials for push, without their keys',
          response: { 200: z.array(Masked) },
        },
      },
      async ({ tenant }) => credentials.list(tenant),
    )
    app.put(
      '/api/v1/push/credentials/apns',
      {
        config: { permission, recent: true },
        schema: {
          tags,
          summary: "Enter Apple's key (.p8)",
          body: ApnsCredential,
          response: { 204: z.void() },
        },
      },
      async ({ tenant, body }, reply) => {
        await credentials.keepApns(tenant, body)
        return reply.code(204).send()
      },
    )
    app.put(
      '/api/v1/push/credentials/fcm',
      {
        config: { permission, recent: true },
        schema: {
          tags,
          summary: "Enter Google's service account",
          body: FcmCredential,
          response: { 204: z.void() },
        },
      },
      async ({ tenant, body }, reply) => {
        await credentials.keepFcm(tenant, body)
        return reply.code(204).send()
      },
    )
    app.delete(
      '/api/v1/push/credentials/:service',
      {
        config: { permission, recent: true },
        schema: {
          tags,
          summary: 'Remove credentials; nothing is sent any more',
          params: byService,
          response: { 204: z.void() },
        },
      },
      async ({ tenant, params }, reply) => {
        if (!(await credentials.remove(tenant, params.service))) throw notConfigured('There are none.')
        return reply.code(204).send()
      },
    )
    app.post(
      '/api/v1/push/credentials/:service/reveal',
      {
        config: { permission, recent: true },
        schema: {
          tags,
          summary: 'Show a private key, for a reason that is recorded',
          params: byService,
          body: z.object({ reason: z.string().trim().min(10).max(500) }),
          response: { 200: z.object({ privateKey: z.string() }) },
        },
      },
      async ({ tenant, member, params: { service }, body: { reason } }, reply) => {
        if ((member?.factors.length ?? 0) < 2)
          throw secondFactorFirst('A private key is shown to somebody who signed in with a second factor.')
        const privateKey = await credentials.reveal(tenant, service)
        const target = `push credential ${service}`
        // Recorded first: there is no key shown that is not in the trail.
        await record(tenant, { act: 'push.reveal', target, details: { reason } })
        reply.header('cache-control', 'no-store')
        return { privateKey }
      },
    )
  }
}

/** Where the tenant's own app registers devices; its users need no account. */
export function deviceRoutes(devices: Devices): FastifyPluginAsyncZod {
  const tags = ['push']
  const config = { public: true, limit: { cost: 5 } }
  const params = z.object({ id: z.uuidv4().describe('Random, made by the app at its installation') })
  const body = z.discriminatedUnion('service', [
    z.object({ service: z.literal('apns'), token: z.string().regex(/^[0-9a-f]{64}$/) }),
    z.object({ service: z.literal('fcm'), token: z.string().regex(/^[\w:-]{20,4096}$/) }),
  ])
  return async (app) => {
    app.put(
      '/api/v1/push/devices/:id',
      { config, schema: { tags, summary: 'Register a device', params, body, response: { 204: z.void() } } },
      async ({ tenant, params: { id }, body }, reply) => {
        await devices.keep(tenant, { id, ...body })
        return reply.code(204).send()
      },
    )
    app.delete(
      '/api/v1/push/devices/:id',
      { config, schema: { tags, summary: 'Forget a device', params, response: { 204: z.void() } } },
      async ({ tenant, params: { id } }, reply) => {
        await devices.remove(tenant, id)
        return reply.code(204).send()
      },
    )
  }
}
