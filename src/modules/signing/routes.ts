import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { Materials } from './materials.ts'
import { noMaterial } from './problems.ts'
import { KINDS } from './tables.ts'
import { LONGEST_LIFE, type Tokens } from './tokens.ts'

const Name = z.string().regex(/^[a-z][a-z0-9-]{0,59}$/)
const byName = z.object({ name: Name })
const Kind = z.enum(KINDS)
/** Bytes of a keystore: 256 KiB, in base64. */
const Content = z.base64().min(1).max(350_000)
const Line = z.object({ name: Name, kind: Kind, sha256: z.string(), updatedAt: z.string() })
const Passphrase = z
  .string()
  .min(1)
  .max(500)
  .regex(/^\P{Cc}+$/u)

/** Signing material of a tenant: entered and listed by its admins, fetched by a build with a token. */
export function signingRoutes(materials: Materials, tokens: Tokens): FastifyPluginAsyncZod {
  const tags = ['signing']
  const permission = 'signing.manage'
  return async (app) => {
    app.get(
      '/api/v1/signing/materials',
      {
        config: { permission },
        schema: { tags, summary: 'What apps are signed with', response: { 200: z.array(Line) } },
      },
      async ({ tenant }) => materials.list(tenant),
    )
    app.put(
      '/api/v1/signing/materials/:name',
      {
        config: { permission, recent: true },
        bodyLimit: 400_000,
        schema: {
          tags,
          summary: 'Enter a keystore or a provisioning profile',
          params: byName,
          body: z.object({ kind: Kind, content: Content, passphrase: Passphrase.nullable().default(null) }),
          response: { 204: z.void() },
        },
      },
      async ({ tenant, params: { name }, body: { kind, content, passphrase } }, reply) => {
        await materials.keep(tenant, { name, kind, content: Buffer.from(content, 'base64'), passphrase })
        return reply.code(204).send()
      },
    )
    app.delete(
      '/api/v1/signing/materials/:name',
      {
        config: { permission, recent: true },
        schema: { tags, summary: 'Remove one', params: byName, response: { 204: z.void() } },
      },
      async ({ tenant, params: { name } }, reply) => {
        if (!(await materials.remove(tenant, name))) throw noMaterial('There is none of that name.')
        return reply.code(204).send()
      },
    )
    app.post(
      '/api/v1/signing/tokens',
      {
        config: { permission, recent: true },
        schema: {
          tags,
          summary: 'Let one build fetch material; the token is good once, for minutes',
          body: z.object({
            materials: z.array(Name).min(1).max(10),
            minutes: z
              .int()
              .min(1)
              .max(LONGEST_LIFE / 60_000)
              .default(10),
          }),
          response: { 201: z.object({ token: z.string() }) },
        },
      },
      async ({ tenant, body }, reply) => {
        const token = await tokens.issue(tenant, body.materials, body.minutes * 60_000)
        return reply.code(201).header('cache-control', 'no-store').send({ token })
      },
    )
    app.post(
      '/api/v1/signing/fetch',
      {
        config: { public: true, limit: { attempt: true } },
        schema: {
          tags,
          summary: 'Fetch material with a token',
          body: z.object({ token: z.string().max(200), materials: z.array(Name).min(1).max(10) }),
          response: {
            200: z.object({
              materials: z.array(
                z.object({
                  name: Name,
                  kind: Kind,
                  content: z.string(),
                  passphrase: z.string().nullable(),
                }),
              ),
            }),
          },
        },
      },
      async ({ tenant, body }, reply) => {
        const fetched = await tokens.redeem(tenant, body.token, body.materials)
        reply.header('cache-control', 'no-store')
        return {
          materials: fetched.map((one) => ({ ...one, content: one.content.toString('base64') })),
        }
      },
    )
  }
}
