import type { AttestationObject } from '@simplewebauthn/server/helpers'
import { z } from 'zod'

/** Loaded when somebody comes with a passkey: the library is half of what a process would read at its start. */
export const webauthnServer = () => import('@simplewebauthn/server')

/** Where a passkey is made and shown: the host's name (WebAuthn's RP ID) and the origin of its pages. */
export interface Site {
  id: string
  origin: string
}

/** COSE algorithms that are taken: ES256, EdDSA, RS256 (what Windows Hello has). */
export const ALGORITHMS = [-7, -8, -257]

const bytes = (most: number) =>
  z
    .string()
    .max(most)
    .regex(/^[A-Za-z0-9_-]+$/)
const TRANSPORTS = ['ble', 'cable', 'hybrid', 'internal', 'nfc', 'smart-card', 'usb'] as const
const credential = {
  id: bytes(1400),
  rawId: bytes(1400),
  type: z.literal('public-key'),
  clientExtensionResults: z.object({}).default({}),
}

/** A new passkey, as browsers write it (`PublicKeyCredential.toJSON`, WebAuthn §5.1.8). */
export const Registration = z.object({
  ...credential,
  response: z.object({
    clientDataJSON: bytes(4096),
    attestationObject: bytes(16_384),
    transports: z
      .array(z.enum(TRANSPORTS).or(z.string().max(40)))
      .max(10)
      .default([]),
  }),
})
export type Registration = z.output<typeof Registration>

/** A passkey that was shown. */
export const Assertion = z.object({
  ...credential,
  response: z.object({
    clientDataJSON: bytes(4096),
    authenticatorData: bytes(4096),
    signature: bytes(2048),
    userHandle: bytes(100).nullish(),
  }),
})
export type Assertion = z.output<typeof Assertion>

/** The challenge that an answer says it answers; undefined when it says none. */
export function challengeOf(clientDataJSON: string): string | undefined {
  try {
    return z
      .object({ challenge: z.string() })
      .parse(JSON.parse(Buffer.from(clientDataJSON, 'base64url').toString())).challenge
  } catch {
    return undefined
  }
}

/** What to keep of a new passkey (WebAuthn §7.1); undefined when it was not made for `challenge` at `site`. */
export async function readRegistration(
  site: Site,
  challenge: string,
  response: Registration,
): Promise<{ id: string; publicKey: Buffer; counter: number; transports: string[] } | undefined> {
  const sent = response.response
  const transports = TRANSPORTS.filter((transport) => sent.transports.includes(transport))
  const asRead = { ...response, response: { ...sent, transports } }
  const { verifyRegistrationResponse } = await webauthnServer()
  const { decodeAttestationObject } = await import('@simplewebauthn/server/helpers')
  const read = await attempt(() => {
    if (!isPlain(decodeAttestationObject(new Uint8Array(Buffer.from(sent.attestationObject, 'base64url')))))
      return undefined
    return verifyRegistrationResponse({
      response: asRead,
      expectedChallenge: challenge,
      expectedOrigin: site.origin,
      expectedRPID: site.id,
      requireUserVerification: false,
      supportedAlgorithmIDs: ALGORITHMS,
    })
  })
  if (!read?.verified) return undefined
  const { id, publicKey, counter } = read.registrationInfo.credential
  return { id, publicKey: Buffer.from(publicKey), counter, transports }
}

/** The count of a passkey that was shown (WebAuthn §7.2); undefined when it is not `publicKey`'s answer. */
export async function readAssertion(
  site: Site,
  publicKey: Uint8Array,
  { challenge, response, verified }: { challenge: string; response: Assertion; verified: boolean },
): Promise<number | undefined> {
  const { verifyAuthenticationResponse } = await webauthnServer()
  const { userHandle, ...signed } = response.response
  const read = await attempt(() =>
    verifyAuthenticationResponse({
      response: { ...response, response: signed },
      expectedChallenge: challenge,
      expectedOrigin: site.origin,
      expectedRPID: site.id,
      // Our own rule judges the count, after the signature.
      credential: { id: response.id, publicKey: new Uint8Array(publicKey), counter: 0 },
      requireUserVerification: verified,
    }),
  )
  return read?.verified ? read.authenticationInfo.newCounter : undefined
}

/** No certificates of a maker: we did not ask for them, and following what they name would lead to foreign servers. */
function isPlain(read: AttestationObject): boolean {
  const format = read.get('fmt')
  return format === 'none' || (format === 'packed' && read.get('attStmt').get('x5c') === undefined)
}

/** The library throws whatever does not fit; all of it was sent by somebody. */
async function attempt<T>(read: () => Promise<T> | undefined): Promise<T | undefined> {
  try {
    return await read()
  } catch {
    return undefined
  }
}
