import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { VaultApi } from '../../src/index.ts'
import { keepAccount, listAccounts } from './social.ts'
import { socialAccount } from './tables.ts'

const Account = z.object({
  id: z.uuid(),
  platform: z.enum(socialAccount.platform.enumValues),
  handle: z.string().min(1).max(200),
})

/** Where a festival posts its news: accounts are listed, their tokens are never shown. */
export const socialRoutes =
  (vault: VaultApi): FastifyPluginAsyncZod =>
  async (app) => {
    const tags = ['social']
    app.get(
      '/api/v1/social-accounts',
      {
        config: { permission: 'social.read' },
        schema: { tags, summary: 'Connected accounts', response: { 200: z.array(Account) } },
      },
      async ({ tenant }) => listAccounts(tenant),
    )
    app.post(
      '/api/v1/social-accounts',
      {
        config: { permission: 'social.manage' },
        schema: {
          tags,
          summary: 'Connect an account, or renew its token',
          body: Account.omit({ id: true }).extend({ accessToken: z.string().min(1).max(4_000) }),
          response: { 201: Account.pick({ id: true }) },
        },
      },
      async ({ tenant, body }, reply) => {
        reply.code(201)
        return { id: await keepAccount(vault, tenant, body) }
      },
    )
  }
