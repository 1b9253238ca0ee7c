import { generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto'
import { jwtVerify } from 'jose'
import { TOKEN_AUDIENCE } from './fcm.ts'

/** Who a key belongs to, as the peer knows it. */
export interface Allowed {
  by: string
  key: KeyObject
  email?: string
}

/** A credential as a tenant would enter it, of a kind that the peer can be told to allow. */
export function apnsCredential(topic = 'de.example.festival') {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const ten = () => randomBytes(10).toString('hex').slice(0, 10).toUpperCase()
  const given = { teamId: ten(), keyId: ten(), topic, privateKey: pem(privateKey) }
  return { given, publicKey, owner: { service: 'apns' as const, by: given.teamId, keyId: given.keyId } }
}

/** Likewise, a service account. */
export function fcmCredential() {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 })
  const project = `festival-${randomBytes(4).toString('hex')}`
  const given = {
    type: 'service_account' as const,
    project_id: project,
    private_key_id: randomBytes(20).toString('hex'),
    private_key: pem(privateKey),
    client_email: `push@${project}.iam.gserviceaccount.com`,
  }
  const owner = {
    service: 'fcm' as const,
    by: project,
    keyId: given.private_key_id,
    email: given.client_email,
  }
  return { given, publicKey, owner }
}

const pem = (key: KeyObject): string => key.export({ format: 'pem', type: 'pkcs8' }).toString()

/** The team whose key signed a provider token; undefined for one that Apple would refuse. */
export async function whoSigned(keys: Map<string, Allowed>, jwt: string): Promise<string | undefined> {
  let signer: Allowed | undefined
  const find = ({ kid = '' }: { kid?: string }) => {
    signer = keys.get(kid)
    if (!signer) throw new Error('no such key')
    return signer.key
  }
  return jwtVerify(jwt, find, { algorithms: ['ES256'], maxTokenAge: '1h' }).then(
    ({ payload }) => (payload.iss === signer?.by ? signer?.by : undefined),
    () => undefined,
  )
}

/** The project whose service account signed an assertion; undefined for one that Google would refuse. */
export async function whoAsserted(keys: Map<string, Allowed>, jwt: string): Promise<string | undefined> {
  let signer: Allowed | undefined
  const find = ({ kid = '' }: { kid?: string }) => {
    signer = keys.get(kid)
    if (!signer) throw new Error('no such key')
    return signer.key
  }
  const rules = { algorithms: ['RS256'], audience: TOKEN_AUDIENCE, maxTokenAge: '1h' }
  return jwtVerify(jwt, find, rules).then(
    ({ payload }) =>
      payload.iss === signer?.email && String(payload.scope).includes('firebase.messaging')
        ? signer?.by
        : undefined,
    () => undefined,
  )
}
