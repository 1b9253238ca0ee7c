import { SignJWT } from 'jose'
import { z } from 'zod'
import type { Clock } from '../../kernel/clock.ts'
import type { OpenCredential } from './credentials.ts'
import type { Http2Client } from './http2.ts'
import { credentialsRefused } from './problems.ts'
import { readJson, retryAfter, type SendToDevice } from './service.ts'

/** Apple takes a provider token for an hour, and refuses a tenant who makes new ones all the time. */
const TOKEN_LIFE = 50 * 60_000

const Refusal = z.object({ reason: z.string(), timestamp: z.number().optional() })

/**
 * Sends to iOS devices by Apple's provider API (HTTP/2, provider tokens by ES256): "Sending notification requests to APNs"
 * and "Establishing a token-based connection to APNs". `target` is `host:port`.
 */
export function openApns(http: Http2Client, target: string, clock: Clock): SendToDevice {
  const tokens = new Map<string, { jwt: string; until: number }>()

  async function providerToken(tenantId: string, { keyId, about, key }: OpenCredential): Promise<string> {
    const name = `${tenantId} ${about.teamId} ${keyId}`
    const now = clock.now().getTime()
    const known = tokens.get(name)
    if (known && known.until > now) return known.jwt
    const jwt = await new SignJWT()
      .setProtectedHeader({ alg: 'ES256', kid: keyId })
      .setIssuer(about.teamId ?? '')
      .setIssuedAt(clock.now())
      .sign(key)
    tokens.set(name, { jwt, until: now + TOKEN_LIFE })
    return jwt
  }

  return async (tenant, credential, token, { id, title, body, data }) => {
    const answer = await http.post(tenant.id, target, {
      path: `/3/device/${token}`,
      purpose: 'apns.send',
      headers: {
        authorization: `bearer ${await providerToken(tenant.id, credential)}`,
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
      tokens.clear()
      throw credentialsRefused(`APNs: ${reason}.`)
    }
    if (answer.status === 429 || answer.status >= 500)
      return { outcome: 'later', after: retryAfter(answer.headers) }
    return { outcome: 'rejected', reason }
  }
}
