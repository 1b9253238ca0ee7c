import { SignJWT } from 'jose'
import { z } from 'zod'
import type { Clock } from '../../kernel/clock.ts'
import type { OpenCredential } from './credentials.ts'
import type { Http2Client } from './http2.ts'
import { credentialsRefused } from './problems.ts'
import { readJson, retryAfter, type SendToDevice } from './service.ts'
import { type GrantedToken, openTokenCache } from './tokenCache.ts'

const SCOPE = 'https://www.googleapis.com/auth/firebase.messaging'
/** What Google calls its token endpoint in a service account, whatever address leads there. */
export const TOKEN_AUDIENCE = 'https://oauth2.googleapis.com/token'
/** An access token is renewed this long (ms) before it ends. */
const AHEAD = 60_000

const TokenAnswer = z.object({
  access_token: z.string(),
  expires_in: z.number(),
  token_type: z.literal('Bearer'),
})
const ErrorAnswer = z.object({
  error: z.object({
    status: z.string(),
    details: z.array(z.object({ errorCode: z.string().optional() })).default([]),
  }),
})

/**
 * Sends to Android devices by the HTTP v1 API of Firebase Cloud Messaging, with access tokens by JWT bearer grant
 * (RFC 7523 §2.1, RS256). Targets are `host:port`.
 */
export function openFcm(
  http: Http2Client,
  { fcm, oauth }: { fcm: string; oauth: string },
  clock: Clock,
): SendToDevice {
  const tokens = openTokenCache(clock)

  async function askForToken(tenantId: string, { keyId, about, key }: OpenCredential): Promise<GrantedToken> {
    const now = clock.now().getTime()
    const assertion = await new SignJWT({ scope: SCOPE })
      .setProtectedHeader({ alg: 'RS256', typ: 'JWT', kid: keyId })
      .setIssuer(about.clientEmail ?? '')
      .setAudience(TOKEN_AUDIENCE)
      .setIssuedAt(clock.now())
      .setExpirationTime(new Date(now + 3_600_000))
      .sign(key)
    const form = { grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion }
    const answer = await http.post(tenantId, oauth, {
      path: '/token',
      purpose: 'fcm.token',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams(form).toString(),
    })
    if (answer.status >= 500) throw new Error(`The token endpoint answered ${answer.status}.`)
    const granted = TokenAnswer.safeParse(readJson(answer.body))
    if (answer.status !== 200 || !granted.success)
      throw credentialsRefused(`The token endpoint answered ${answer.status}.`)
    const { access_token: token, expires_in: seconds } = granted.data
    return { token, until: now + seconds * 1_000 - AHEAD }
  }

  return async (tenant, credential, token, { id, title, body, data }) => {
    const name = `${tenant.id} ${credential.about.clientEmail} ${credential.keyId}`
    const access = await tokens.get(name, () => askForToken(tenant.id, credential))
    const message = { token, notification: { title, body }, data, android: { collapse_key: id } }
    const answer = await http.post(tenant.id, fcm, {
      path: `/v1/projects/${credential.about.projectId}/messages:send`,
      purpose: 'fcm.send',
      headers: {
        authorization: `Bearer ${access}`,
        'content-type': 'application/json',
      },
      body: JSON.stringify({ message }),
    })
    if (answer.status === 200) return { outcome: 'sent' }
    const { status = 'unknown', details = [] } =
      ErrorAnswer.safeParse(readJson(answer.body)).data?.error ?? {}
    const reason = details.find(({ errorCode }) => errorCode)?.errorCode ?? status
    if (reason === 'UNREGISTERED') return { outcome: 'gone', since: clock.now() }
    if (answer.status === 401 || answer.status === 403) {
      tokens.forget(name)
      throw credentialsRefused(`FCM: ${reason}.`)
    }
    if (answer.status === 429 || answer.status >= 500)
      return { outcome: 'later', after: retryAfter(answer.headers) }
    return { outcome: 'rejected', reason }
  }
}
