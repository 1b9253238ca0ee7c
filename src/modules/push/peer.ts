import { type KeyObject, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import {
  createSecureServer,
  type Http2SecureServer,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { z } from 'zod'
import { type Allowed, whoAsserted, whoSigned } from './peerKeys.ts'
import { readJson } from './service.ts'

/** A message that the peer took. */
export interface Taken {
  service: 'apns' | 'fcm'
  token: string
  title: string
  /** Whose credentials it came with: a team, or a project. */
  by: string
}

/** What the peer answers about a device token before it takes anything, in turn; then it takes. */
export type Answer = { status: number; body: object; headers?: Record<string, string> } | 'hang up'

/**
 * A server on this machine that speaks the documented parts of Apple's provider API and of FCM's HTTP v1 API with its
 * token endpoint, over HTTP/2 and TLS, and is as strict as they are.
 */
export interface PushPeer {
  port: number
  taken: Taken[]
  /** Connections that it saw. */
  connections(): number
  /** Access tokens that it granted. */
  grants(): number
  /** Lets a team of Apple developers, or a project, have a key. */
  allow(owner: { service: 'apns' | 'fcm'; by: string; keyId: string; email?: string }, key: KeyObject): void
  answer(token: string, answers: readonly Answer[]): void
  close(): Promise<void>
}

type Reply = (status: number, body: object, headers?: Record<string, string>) => void

/** Opens the peer on 127.0.0.1 with a certificate for whatever name it is called by. */
export async function openPushPeer(leaf: { key: string; cert: string }): Promise<PushPeer> {
  const keys = new Map<string, Allowed>()
  const granted = new Map<string, string>()
  const providerTokens = new Map<string, string>()
  const planned = new Map<string, Answer[]>()
  const open = new Set<ServerHttp2Session>()
  const taken: Taken[] = []
  let connections = 0

  /** Whether the peer was told to answer otherwise. */
  function answersOtherwise(stream: ServerHttp2Stream, token: string, reply: Reply): boolean {
    const next = planned.get(token)?.shift()
    if (next === 'hang up') stream.session?.destroy()
    else if (next) reply(next.status, next.body, next.headers)
    return next !== undefined
  }

  async function apns(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, body: string, reply: Reply) {
    const refuse = (status: number, reason: string) => reply(status, { reason })
    const jwt = /^bearer (.+)$/.exec(headers.authorization ?? '')?.[1] ?? ''
    const by = await whoSigned(keys, jwt)
    if (!by) return refuse(403, 'InvalidProviderToken')
    // Apple takes a new token of a team every 20 minutes at most; this peer does not live that long.
    if ((providerTokens.get(by) ?? jwt) !== jwt) return refuse(429, 'TooManyProviderTokenUpdates')
    providerTokens.set(by, jwt)
    const token = /^\/3\/device\/([0-9a-f]{64})$/.exec(headers[':path'] ?? '')?.[1]
    if (!token) return refuse(400, 'BadDeviceToken')
    if (!headers['apns-topic']) return refuse(400, 'MissingTopic')
    if (headers['apns-push-type'] !== 'alert') return refuse(400, 'InvalidPushType')
    if (Buffer.byteLength(String(headers['apns-collapse-id'] ?? '')) > 64) return refuse(400, 'BadCollapseId')
    if (Buffer.byteLength(body) > 4_096) return refuse(413, 'PayloadTooLarge')
    const message = ApnsMessage.safeParse(readJson(body))
    if (!message.success) return refuse(400, 'PayloadEmpty')
    if (answersOtherwise(stream, token, reply)) return
    taken.push({ service: 'apns', token, title: message.data.aps.alert.title, by })
    reply(200, {})
  }

  async function grant(body: string, reply: Reply) {
    const form = new URLSearchParams(body)
    const by =
      form.get('grant_type') === 'urn:ietf:params:oauth:grant-type:jwt-bearer' &&
      (await whoAsserted(keys, form.get('assertion') ?? ''))
    if (!by) return reply(400, { error: 'invalid_grant' })
    const token = `ya29.${randomBytes(16).toString('base64url')}`
    granted.set(token, by)
    reply(200, { access_token: token, expires_in: 3_599, token_type: 'Bearer' })
  }

  function fcm(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, body: string, reply: Reply) {
    const by = granted.get(/^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1] ?? '')
    if (!by) return reply(401, { error: { code: 401, status: 'UNAUTHENTICATED' } })
    if (headers[':path'] !== `/v1/projects/${by}/messages:send`)
      return reply(403, { error: { code: 403, status: 'PERMISSION_DENIED' } })
    const message = FcmMessage.safeParse(readJson(body))
    if (!message.success) return reply(400, { error: { code: 400, status: 'INVALID_ARGUMENT' } })
    const { token, notification } = message.data.message
    if (answersOtherwise(stream, token, reply)) return
    taken.push({ service: 'fcm', token, title: notification.title, by })
    reply(200, { name: `projects/${by}/messages/${randomBytes(8).toString('hex')}` })
  }

  const server = createSecureServer({ ...leaf, allowHTTP1: false })
  server.on('session', (session) => {
    connections += 1
    open.add(session)
    session.on('close', () => open.delete(session)).on('error', () => undefined)
  })
  server.on('stream', async (stream, headers) => {
    stream.on('error', () => undefined)
    const body = await text(stream).catch(() => '')
    const reply: Reply = (status, answer, more = {}) => {
      if (stream.destroyed) return
      stream.respond({ ':status': status, 'content-type': 'application/json', ...more })
      stream.end(JSON.stringify(answer))
    }
    const path = headers[':path'] ?? ''
    if (headers[':method'] !== 'POST') reply(405, {})
    else if (path.startsWith('/3/device/')) await apns(stream, headers, body, reply)
    else if (path === '/token') await grant(body, reply)
    else fcm(stream, headers, body, reply)
  })
  await listen(server)
  return {
    port: (server.address() as AddressInfo).port,
    taken,
    connections: () => connections,
    grants: () => granted.size,
    allow: ({ by, keyId, email }, key) => void keys.set(keyId, { by, key, email }),
    answer: (token, answers) => void planned.set(token, [...answers]),
    close() {
      for (const session of open) session.destroy()
      return new Promise((closed) => server.close(() => closed()))
    },
  }
}

const ApnsMessage = z.looseObject({
  aps: z.looseObject({ alert: z.strictObject({ title: z.string(), body: z.string() }) }),
})
const FcmMessage = z.strictObject({
  message: z.strictObject({
    token: z.string().min(1),
    notification: z.strictObject({ title: z.string(), body: z.string() }),
    data: z.record(z.string(), z.string()).optional(),
    android: z.strictObject({ collapse_key: z.string() }).optional(),
  }),
})

async function listen(server: Http2SecureServer): Promise<void> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
}
