import { SignJWT } from 'jose'
import { z } from 'zod'
import type { Clock } from '../../kernel/clock.ts'
import type { OpenCredential } from './credentials.ts'
import type { Http2Client } from './http2.ts'
import { credentialsRefused } from './problems.ts'
import { readJson, retryAfter, type SendToDevice } from './service.ts'
import { type GrantedToken, openTokenCache } from './tokenCache.ts'

/** Apple takes a provider token for an hour, and refuses a tenant who makes new ones all the time. */
const TOKEN_LIFE = 50 * 60_000

const Refusal = z.object({ reason: z.string(), timestamp: z.number().optional() })

/**
 * Sends to iOS devices by Apple's provider API (HTTP/2, provider tokens by ES256): "Sending notification requests to APNs"
 * and "Establishing a token-based connection to APNs". `target` is `host:port`.
 */
export function openApns(http: Http2Client, target: string, clock: Clock): SendToDevice {
  const tokens = openTokenCache(clock)

  async function makeToken({ keyId, about, key }: OpenCredential): Promise<GrantedToken> {
    const token = await new SignJWT()
      .setProtectedHeader({ alg: 'ES256', kid: keyId })
      .setIssuer(about.teamId ?? '')
      .setIssuedAt(clock.now())
      .sign(key)
    return { token, until: clock.now().getTime() + TOKEN_LIFE }
  }

  return async (tenant, credential, token, { id, title, body, data }) => {
    const name = `${tenant.id} ${credential.about.teamId} ${credential.keyId}`
    const jwt = await tokens.get(name, () => makeToken(credential))
    const answer = await http.post(tenant.id, target, {
      path: `/3/device/${token}`,
      purpose: 'apns.send',
      headers: {
        authorization: `bearer ${jwt}`,
        'apns-topic': credential.about.topic ?? '',
        'apns-push-type': 'alert',
        'apns-priority': '10',
        'apns-collapse-id': id,
      },
      body: JSON.stringify({ ...data, aps: { alert: { title, body }, sound: 'default' } }),
    })
    if (answer.status === 200) return { outcome: 'sent' }
    const { reason = 'unknown', timestamp } = Refusal.safeParse(readJson(answer.body)).data ?? {}
    if (answer.status === 410 || reason === 'BadDeviceToken')
      return { outcome: 'gone', since: timestamp ? new Date(timestamp) : clock.now() }
    if (answer.status === 403) {
      tokens.forget(name)
      throw credentialsRefused(`APNs: ${reason}.`)
    }
    if (answer.status === 429 || answer.status >= 500)
      return { outcome: 'later', after: retryAfter(answer.headers) }
    return { outcome: 'rejected', reason }
  }
}
