import { randomBytes, randomUUID } from 'node:crypto'
import { newId } from '../../../kernel/ids.ts'
import { type Measure, measure } from '../../../proof/measure.ts'
import type { EgressApi } from '../../egress/index.ts'
import type { TenancyApi, Tenant } from '../../tenancy/index.ts'
import type { PushPeer } from '../peer.ts'
import { apnsCredential, fcmCredential } from '../peerKeys.ts'
import { type SenderParts, sendToAll } from '../send.ts'
import { withTrialPeer } from '../trialPeer.ts'

interface Parts {
  sender: SenderParts
  egress: EgressApi
  canaries: TenancyApi['canaries']['find']
}

/** FEST-27. Two canaries send to a server on this machine that speaks as Apple's and Google's do. */
export function pushCredentialsTenant({ sender, egress, canaries }: Parts): Measure {
  return measure({
    key: 'push.credentials.tenant',
    sources: ['FEST-27'],
    family: 'separation',
    maps: { gdpr: ['32(1)(b)'], iso27001: ['A.5.17', 'A.8.24'] },
    claim: {
      de: () =>
        'Zugangsdaten für Push (APNs-Schlüssel, FCM-Dienstkonto) gehören je einem Mandanten: er sendet mit seinen eigenen oder gar nicht.',
      en: () =>
        'Credentials for push (APNs key, FCM service account) belong to one tenant each: it sends with its own or not at all.',
    },
    async prove({ check, positiveControl, clock, signal }) {
      for (const { model, a, b } of await canaries()) {
        await withTrialPeer(egress.parts, clock, async ({ peer, services }) => {
          const parts = { ...sender, services }
          const send = async (tenant: Tenant) => {
            peer.taken.length = 0
            const message = { id: newId(), title: 'probe', body: 'probe', data: {} }
            const { withoutCredentials } = await sendToAll(parts, tenant, message, { ids: null, signal })
            return { by: peer.taken.map(({ by }) => by).sort(), without: withoutCredentials.sort() }
          }
          await withDevices(parts, a, () =>
            withDevices(parts, b, async () => {
              const ownA = await equip(parts, peer, a)
              const ownB = await equip(parts, peer, b)
              try {
                positiveControl(`${model}: who A sends as`, ownA, (await send(a)).by)
                check(`${model}: who B sends as`, ownB, (await send(b)).by)
                await strip(parts, a)
                const without = await send(a)
                check(`${model}: who A sends as without its credentials, though B has some`, [], without.by)
                check(`${model}: services that A is told it has none for`, ['apns', 'fcm'], without.without)
                check(`${model}: who B still sends as`, ownB, (await send(b)).by)
              } finally {
                await strip(parts, a)
                await strip(parts, b)
              }
            }),
          )
        })
      }
    },
  })
}

async function withDevices({ devices }: SenderParts, tenant: Tenant, work: () => Promise<void>) {
  const [apple, google] = [randomUUID(), randomUUID()]
  try {
    await devices.keep(tenant, { id: apple, service: 'apns', token: randomBytes(32).toString('hex') })
    await devices.keep(tenant, { id: google, service: 'fcm', token: randomBytes(32).toString('hex') })
    await work()
  } finally {
    for (const id of [apple, google]) await devices.remove(tenant, id)
  }
}

/** Gives the tenant credentials that the peer knows; returns who it then sends as. */
async function equip({ credentials }: SenderParts, peer: PushPeer, tenant: Tenant): Promise<string[]> {
  const [apple, google] = [apnsCredential(), fcmCredential()]
  await credentials.keepApns(tenant, apple.given)
  await credentials.keepFcm(tenant, google.given)
  peer.allow(apple.owner, apple.publicKey)
  peer.allow(google.owner, google.publicKey)
  return [apple.owner.by, google.owner.by].sort()
}

async function strip({ credentials }: SenderParts, tenant: Tenant): Promise<void> {
  await credentials.remove(tenant, 'apns')
  await credentials.remove(tenant, 'fcm')
}
