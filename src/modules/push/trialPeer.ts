import type { Clock } from '../../kernel/clock.ts'
import { type EgressApi, trialClient, withAuthority } from '../egress/index.ts'
import { openApns } from './apns.ts'
import { openFcm } from './fcm.ts'
import { type Http2Client, openHttp2 } from './http2.ts'
import { openPushPeer, type PushPeer } from './peer.ts'
import type { SenderParts } from './send.ts'

/** A name that no register has. */
const HOST = 'push.test'

/** What sends to a peer on this machine, just as the running sender does to Apple and Google. */
export interface Trial {
  peer: PushPeer
  services: SenderParts['services']
  http: Http2Client
  /** Where the peer answers, as host:port. */
  target: string
}

/** Opens a peer, and a sender that reaches it and nobody else, for as long as `work` takes. */
export function withTrialPeer<T>(
  egress: EgressApi['parts'],
  clock: Clock,
  work: (trial: Trial) => Promise<T>,
): Promise<T> {
  return withAuthority(async ({ ca, leaf }) => {
    const peer = await openPushPeer(await leaf(HOST))
    const client = trialClient(egress, { host: HOST, port: peer.port, module: 'push', ca, pins: [] })
    const target = `${HOST}:${peer.port}`
    const http = openHttp2((tenant, to, purpose) =>
      client.connect({ module: 'push', tenant, purpose }, to, ['h2']),
    )
    try {
      const services = {
        apns: openApns(http, target, clock),
        fcm: openFcm(http, { fcm: target, oauth: target }, clock),
      }
      return await work({ peer, services, http, target })
    } finally {
      http.close()
      await client.close()
      await peer.close()
    }
  })
}
